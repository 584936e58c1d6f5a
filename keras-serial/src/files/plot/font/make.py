"""Makes the fonts beside it from Liberation Sans 2.1.5: python make.py FOLDER (fontTools 4.68)

FOLDER has LiberationSans-Regular.ttf and LiberationSans-Bold.ttf. Modified versions may not have the name.
"""

import pathlib
import sys

from fontTools import subset

HERE = pathlib.Path(__file__).parent
# Latin, Greek, Cyrillic; dashes, quotes, dots, arrows, relations, and the replacement character.
CHARACTERS = [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x386, 0x3CF), *range(0x400, 0x460)]
CHARACTERS += [0x2010, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026]
CHARACTERS += [0x2190, 0x2191, 0x2192, 0x2193, 0x2212, 0x221E, 0x2260, 0x2264, 0x2265, 0xFFFD]

for style in ["Regular", "Bold"]:
    options = subset.Options()
    options.hinting = False
    options.layout_features = ["kern"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]
    options.notdef_outline = True
    options.drop_tables += ["FFTM"]
    font = subset.load_font(pathlib.Path(sys.argv[1]) / f"LiberationSans-{style}.ttf", options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=CHARACTERS)
    subsetter.subset(font)
    names = {1: "Plot Sans", 2: style, 3: f"Plot Sans {style}", 4: f"Plot Sans {style}", 6: f"PlotSans-{style}"}
    for record in font["name"].names:
        if record.nameID in names:
            font["name"].setName(
                names[record.nameID], record.nameID, record.platformID, record.platEncID, record.langID
            )
    font.save(HERE / f"PlotSans-{style}.ttf")
