"""ONNX in (``reader``) and out (``writer``). Needs the ``onnx`` extra, and only here."""
