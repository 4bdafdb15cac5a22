"""The corpus, its articles, and the index of them.

Every part of Virgolette imports this package before ONNX Runtime. On Linux and macOS that sends
events to its makers, from 1.29 on, unless this variable is set when it is loaded; it also keeps an
identifier of the machine in the home folder. Source: microsoft/onnxruntime, pull request 27379.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
