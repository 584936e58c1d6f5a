//! Text of pictures: escaping for markup, shortening, and the width that it takes.

/// Escapes a text for SVG and HTML, in elements and in quoted attributes. Characters that XML does not allow, and
/// those that change the direction of the text around them, become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    escape_element(text).replace('"', "&quot;").replace('\'', "&#39;")
}

/// Escapes a text for elements, as [`escape`] does, but for quotes.
pub(super) fn escape_element(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\t' => out.push(character),
            character if is_hidden(character) => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

fn is_hidden(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
        || character.is_control()
}

/// Limits a text to `longest` characters by leaving out its middle.
pub(super) fn shorten(text: &str, longest: usize) -> String {
    // Texts can be long, so only as many characters are looked at as are needed.
    if text.chars().nth(longest).is_none() {
        return text.to_owned();
    }
    let tail = longest / 3;
    let head: String = text.chars().take(longest - tail - 1).collect();
    let mut end: Vec<char> = text.chars().rev().take(tail).collect();
    end.reverse();
    format!("{head}…{}", end.into_iter().collect::<String>())
}

/// Widths of the characters from space to `~` in Helvetica, Arial and Liberation Sans, in thousandths of the size of
/// the font: regular and bold.
const WIDTHS: [[u16; 95]; 2] = [
    [
        278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556,
        556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667,
        556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556,
        556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722,
        500, 500, 500, 334, 260, 334, 584,
    ],
    [
        278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556,
        556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722,
        611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556,
        611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778,
        556, 556, 500, 389, 280, 389, 584,
    ],
];

/// Returns the width of a text in pixels, for a font of this size: exact for ASCII in Helvetica's metrics, and about
/// right for others.
pub(crate) fn width(text: &str, size: f64, is_bold: bool) -> f64 {
    let [regular, bold] = &WIDTHS;
    let widths = if is_bold { bold } else { regular };
    let of = |character: char| -> f64 {
        let index = (character as usize).wrapping_sub(' ' as usize);
        match widths.get(index) {
            Some(width) => f64::from(*width),
            // Scripts of East Asia, and pictures, are as wide as high.
            None if character as u32 >= 0x1100 && !('\u{2000}'..'\u{2200}').contains(&character) => 1000.0,
            None => 720.0,
        }
    };
    text.chars().map(of).sum::<f64>() * size / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_hidden_characters_are_escaped() {
        assert_eq!(escape("<a href='x'>&\"\0\u{202e}"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}\u{fffd}");
    }

    #[test]
    fn long_texts_lose_their_middle() {
        assert_eq!(shorten("dense", 5), "dense");
        assert_eq!(shorten("abcdefghij", 7), "abcd…ij");
        assert_eq!(shorten(&"ä".repeat(1 << 20), 60).chars().count(), 60);
    }

    #[test]
    fn widths_are_those_of_helvetica() {
        assert_eq!(width("Dense", 1000.0, true), 722.0 + 556.0 + 611.0 + 556.0 + 556.0);
        assert_eq!(width("Dense", 1000.0, false), 722.0 + 556.0 + 556.0 + 500.0 + 556.0);
        assert_eq!(width("層", 10.0, false), 10.0);
    }
}
