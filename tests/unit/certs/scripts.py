"""Names in the scripts a certificate must get right, and their pictures.

`python -m tests.unit.certs.scripts` draws the pictures anew; look at each of them afterwards,
best beside what a browser makes of the same name and font.
"""

from pathlib import Path

from PIL import Image, ImageChops, ImageFilter

from tests.unit.certs.papers import pictures, printed

FOLDER = Path(__file__).parent / "pictures"
NAMES = {
    "latin": ("Zażółć Þórður Ñandú Șțefan", "pl"),  # diacritics above, below and through
    "yoruba": ("Adébáyọ̀ Ọlátúnjí Ẹ̀bùn", "yo"),  # marks no composed letter has
    "greek": ("Αλέξανδρος Παπαδόπουλος", "el"),
    "cyrillic": ("Владимир Ёжиков Їжак Ђорђе", "ru"),
    "vietnamese": ("Nguyễn Thị Thương Đặng", "vi"),  # two marks on one letter
    "arabic": ("محمد عبد الله الأحمد", "ar"),  # joined, right to left, lam-alef
    "mixed": ("Ahmed أحمد بن علي (2)", "en"),  # two directions, brackets, a number
    "hebrew": ("שָׁלוֹם כהן־לוי", "he"),  # points inside letters
    "thai": ("สมชาย ที่รัก ปู่น้ำ", "th"),  # a tone above a vowel above a letter
    "devanagari": ("क्षितिज श्रीवास्तव ज्योति", "hi"),  # conjuncts, a vowel before its letter
    "bengali": ("শ্রীমতী রবীন্দ্রনাথ", "bn"),
    "tamil": ("கிருஷ்ணமூர்த்தி ஸ்ரீ", "ta"),
    "chinese": ("王小明 龙飞", "zh_CN"),
    "traditional": ("陳大文 骨直", "zh_TW"),  # other shapes of the same characters
    "japanese": ("髙橋 さくら 骨直", "ja"),
    "korean": ("김민수 홍길동 뷁", "ko"),
}
SCALE = 4 / 3
NAME_BAND = (160, 206, 962, 268)
"""Where the name stands on the page, in pixels of SCALE."""
MARGIN = 4
BLOCK = 8


def name_on_paper(name: str, locale: str) -> Image.Image:
    """The name as a certificate shows it, and nothing around it."""
    (page,) = pictures(printed(person=name, locale=locale), scale=SCALE)
    band = page.crop(NAME_BAND)
    box = ImageChops.invert(band).getbbox()
    assert box is not None
    left, top, right, bottom = box
    return band.crop((left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN))


def difference(one: Image.Image, other: Image.Image) -> float:
    """The share of ink misplaced in the worst square of BLOCK pixels, blurred by a pixel."""
    size = max(one.width, other.width), max(one.height, other.height)
    soft = [
        ImageChops.invert(each).crop((0, 0, *size)).filter(ImageFilter.GaussianBlur(1))
        for each in (one, other)
    ]
    return float(ImageChops.difference(*soft).reduce(BLOCK).getextrema()[1] / 255)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for script, (name, locale) in NAMES.items():
        name_on_paper(name, locale).save(FOLDER / f"{script}.png", optimize=True)


if __name__ == "__main__":
    main()
