"""What to do about a module that a published service imports and that is not installed. Pure."""

VISION = ("cv2", "pyclipper", "sentencepiece", "shapely")
"""What paddle_serving_app.reader 0.9.0 imports beside numpy and Pillow: the extra `vision`."""


def where_to_find(error: BaseException) -> str:
    """A remark in brackets, with a blank before it, to follow the text of a ModuleNotFoundError; empty for others."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return ""
    if error.name.partition(".")[0] in VISION:
        return (
            " (the image paddle-serving-runtime:<version>-vision has it, in a PaddleService: runtime: vision; in a "
            "Python environment: pip install 'paddle-serving-runtime[vision]')"
        )
    return " (put the module beside web_service.py, or build an image that has it: docs/image.md, Your own image)"
