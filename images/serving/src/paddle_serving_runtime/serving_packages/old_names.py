"""What services of the years of Paddle Serving 0.9.0 use of numpy and Pillow, and today's versions no longer have.

Only what is missing is put back, with the meaning that it had: a name that numpy 2 has given another one stays. Each
has a row in docs/compatibility.md.
"""

from collections.abc import Callable, Sequence
from contextvars import Context
from importlib import import_module
from types import ModuleType
from typing import Any

_PRINT_AS_1_25 = 125
"""What numpy.set_printoptions(legacy="1.25") stores."""


def restore_numpy(numpy: ModuleType) -> None:
    """Puts back names that numpy 1.24 and 2.0 have removed, and the look of numbers: repr(int64(8)) is "8"."""
    for name, value in _numpy_names(numpy).items():
        # not hasattr(), which warns of some
        if name not in vars(numpy):
            setattr(numpy, name, value)
    if not str(numpy.__version__).startswith("1."):
        # set_printoptions() is for the context of its caller alone; a thread has another, which begins with the default
        default = Context().run(import_module("numpy._core.printoptions").format_options.get)
        default["legacy"] = _PRINT_AS_1_25


def _numpy_names(numpy: Any) -> dict[str, object]:  # noqa: ANN401 - the types of numpy 2 do not have these names
    def asfarray(a: object, dtype: object = numpy.float64) -> object:
        return numpy.asarray(a, dtype if numpy.issubdtype(dtype, numpy.inexact) else numpy.float64)

    python_types = {type_.__name__: type_ for type_ in (bool, int, float, complex, object, str)}
    scalars = {"intp": "int0", "uintp": "uint0", "bool_": "bool8", "object_": "object0", "str_": "str0 unicode_"}
    scalars |= {"bytes_": "bytes0 string_", "void": "void0", "float64": "float_", "complex128": "complex_ cfloat"}
    scalars |= {"complex64": "singlecomplex", "longdouble": "longfloat", "clongdouble": "longcomplex clongfloat"}
    functions = {"prod": "product", "cumprod": "cumproduct", "all": "alltrue", "any": "sometrue", "round": "round_"}
    functions |= {"asmatrix": "mat", "issubdtype": "issubsctype"}
    same = {old: getattr(numpy, name) for name, olds in (scalars | functions).items() for old in olds.split()}
    infinite = dict.fromkeys(("Inf", "Infinity", "infty", "PINF"), numpy.inf) | {"NINF": -numpy.inf}
    return {
        **python_types,
        **same,
        **infinite,
        "long": int,
        "unicode": str,
        "NaN": numpy.nan,
        "NAN": numpy.nan,
        "PZERO": 0.0,
        "NZERO": -0.0,
        "asfarray": asfarray,
        "asscalar": lambda a: a.item(),
        "msort": lambda a: numpy.sort(a, axis=0),
        "sctypes": _scalar_types(numpy),
    }


def _scalar_types(numpy: Any) -> dict[str, list[type]]:  # noqa: ANN401 - as above
    names = {
        "int": ("int8", "int16", "int32", "int64"),
        "uint": ("uint8", "uint16", "uint32", "uint64"),
        "float": ("float16", "float32", "float64", "longdouble"),
        "complex": ("complex64", "complex128", "clongdouble"),
    }
    types = {kind: [getattr(numpy, name) for name in members] for kind, members in names.items()}
    return {**types, "others": [bool, object, bytes, str, numpy.void]}


def restore_image(image: Any) -> None:  # noqa: ANN401 - Pillow's types do not have these names
    """PIL.Image: the filters that Pillow 10 has removed."""
    for name, value in (("ANTIALIAS", "LANCZOS"), ("LINEAR", "BILINEAR"), ("CUBIC", "BICUBIC")):
        _restore(image, name, getattr(image, value))


def restore_image_draw(image_draw: Any) -> None:  # noqa: ANN401 - as above
    """PIL.ImageDraw: the size of a text, which Paddle Serving's readers write beside a box."""

    def textsize(self: Any, text: str, *font_and_spacing: object, **named: object) -> tuple[float, float]:  # noqa: ANN401 - as above
        return _size(self.textbbox((0, 0), text, *_with_anchor(font_and_spacing), **named))

    _restore(image_draw.ImageDraw, "textsize", textsize)
    _restore(image_draw.ImageDraw, "multiline_textsize", textsize)


def restore_image_font(image_font: Any) -> None:  # noqa: ANN401 - as above
    """PIL.ImageFont: the size of a text in a font."""

    def getsize(self: Any, text: str, *arguments: object, **named: object) -> tuple[float, float]:  # noqa: ANN401 - as above
        return _size(self.getbbox(text, *arguments, **named))

    for font in (image_font.FreeTypeFont, image_font.TransposedFont):
        _restore(font, "getsize", getsize)


def _restore(owner: Any, name: str, value: object) -> None:  # noqa: ANN401 - as above
    if not hasattr(owner, name):
        setattr(owner, name, value)


def _with_anchor(font_and_spacing: Sequence[object]) -> Sequence[object]:
    """What follows the text in textsize, (font, spacing, ...), as in textbbox: (font, anchor, spacing, ...)."""
    return (*font_and_spacing[:1], None, *font_and_spacing[1:]) if font_and_spacing else ()


def _size(box: Sequence[float]) -> tuple[float, float]:
    """As Pillow 9 measured: the width of the ink, and the height from the top of the line."""
    left, _, right, bottom = box
    return right - left, bottom


RESTORED: dict[str, Callable[[ModuleType], None]] = {
    "numpy": restore_numpy,
    "PIL.Image": restore_image,
    "PIL.ImageDraw": restore_image_draw,
    "PIL.ImageFont": restore_image_font,
}
"""By the name of a module; each may be called again."""
