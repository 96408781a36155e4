"""What runs next to the model: LoadGen, engines, preprocessing, accuracy, device state.

It knows nothing of dse, takes a request and writes a response (`dse_harness.protocol`), and installs alone on a board.
"""

__version__ = "0.1.0"
