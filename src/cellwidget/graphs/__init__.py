"""ONNX files read, cut and written without the onnx package."""
