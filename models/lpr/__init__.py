"""Reading number plates at run time: numpy, OpenCV and onnxruntime, nothing else."""
