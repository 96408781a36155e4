"""Networks of the MobileNetV3 family, trained on Fashion-MNIST, kept as weights, written as .tflite on demand."""
