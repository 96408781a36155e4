"""Networks of the MobileNetV3 family, trained here on Fashion-MNIST, kept as weights and written as .tflite on demand."""
