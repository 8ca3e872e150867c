//! Letters of 5 × 7 dots, drawn for this crate.

/// Dots across and down a letter.
pub(super) const WIDTH: usize = 5;
/// Dots down a letter.
pub(super) const HEIGHT: usize = 7;
/// Dots from a letter to the next one.
pub(super) const ADVANCE: usize = WIDTH + 1;

/// Lines of letters side by side: the letters, then their seven rows. `#` is ink.
const SHEET: [(&str, [&str; HEIGHT]); 8] = [
    (
        "0123456789",
        [
            " ###    #    ###  #####    #  #####  ###  #####  ###   ### ",
            "#   #  ##   #   #    #    ##  #     #       # # #   # #   #",
            "#  ##   #       #   #    # #  ####  #       #   #   # #   #",
            "# # #   #      #     #  #  #      # ####    #    ###   ####",
            "##  #   #    ##       # #####     # #   #  #    #   #     #",
            "#   #   #   #     #   #    #  #   # #   #  #    #   #    # ",
            " ###   ###  #####  ###     #   ###   ###   #     ###   ##  ",
        ],
    ),
    (
        "ABCDEFGHIJ",
        [
            " ###  ####   ###  ####  ##### #####  ###  #   #  ###    ###",
            "#   # #   # #   # #   # #     #     #   # #   #   #      # ",
            "#   # #   # #     #   # #     #     #     #   #   #      # ",
            "##### ####  #     #   # ####  ####  # ### #####   #      # ",
            "#   # #   # #     #   # #     #     #   # #   #   #      # ",
            "#   # #   # #   # #   # #     #     #   # #   #   #   #  # ",
            "#   # ####   ###  ####  ##### #      ###  #   #  ###   ##  ",
        ],
    ),
    (
        "KLMNOPQRST",
        [
            "#   # #     #   # #   #  ###  ####   ###  ####   #### #####",
            "#  #  #     ## ## ##  # #   # #   # #   # #   # #       #  ",
            "# #   #     # # # ##  # #   # #   # #   # #   # #       #  ",
            "##    #     # # # # # # #   # ####  #   # ####   ###    #  ",
            "# #   #     #   # #  ## #   # #     # # # # #       #   #  ",
            "#  #  #     #   # #  ## #   # #     #  #  #  #      #   #  ",
            "#   # ##### #   # #   #  ###  #      ## # #   # ####    #  ",
        ],
    ),
    (
        "UVWXYZabcd",
        [
            "#   # #   # #   # #   # #   # #####       #               #",
            "#   # #   # #   # #   # #   #     #       #               #",
            "#   # #   # #   #  # #   # #     #   ###  ####   ###   ####",
            "#   # #   # # # #   #     #     #       # #   # #     #   #",
            "#   #  # #  # # #  # #    #    #     #### #   # #     #   #",
            "#   #  # #  ## ## #   #   #   #     #   # #   # #     #   #",
            " ###    #   #   # #   #   #   #####  #### ####   ###   ####",
        ],
    ),
    (
        "efghijklmn",
        [
            "        ##        #       #      #  #      ##              ",
            "       #          #                 #       #              ",
            " ###  ####   #### ####   ##     ##  #  #    #   ## #  # ## ",
            "#   #  #    #   # #   #   #      #  # #     #   # # # ##  #",
            "#####  #     #### #   #   #      #  ##      #   # # # #   #",
            "#      #        # #   #   #   #  #  # #     #   #   # #   #",
            " ###   #     ###  #   #  ###   ##   #  #   ###  #   # #   #",
        ],
    ),
    (
        "opqrstuvwx",
        [
            "                               #                           ",
            "                               #                           ",
            " ###  ####   #### # ##   ####  ###  #   # #   # #   # #   #",
            "#   # #   # #   # ##  # #      #    #   # #   # # # #  # # ",
            "#   # ####   #### #      ###   #    #   # #   # # # #   #  ",
            "#   # #         # #         #  #  # #  ##  # #  # # #  # # ",
            " ###  #         # #     ####    ##   ## #   #    # #  #   #",
        ],
    ),
    (
        "yz.,:;-_+/",
        [
            "                                                          #",
            "                         ##    ##                 #       #",
            "#   # #####              ##    ##                 #      # ",
            "#   #    #                          #####       #####   #  ",
            " ####   #                ##    ##                 #    #   ",
            "    #  #     ##    ##    ##    ##                 #   #    ",
            " ###  #####  ##    #           #          #####       #    ",
        ],
    ),
    (
        "()*@=<>%|'",
        [
            "   #  #            ###           #  #     ##      #    #   ",
            "  #    #    # # # #   #         #    #    ##  #   #    #   ",
            "  #    #     ###  # ### #####  #      #      #    #        ",
            "  #    #    ##### # # #       #        #    #     #        ",
            "  #    #     ###  # ### #####  #      #    #      #        ",
            "  #    #    # # # #             #    #    #  ##   #        ",
            "   #  #            ###           #  #        ##   #        ",
        ],
    ),
];

/// The dots of a letter, by row and column; an empty box for letters that are not on the sheet.
pub(super) fn dots(letter: char) -> [[bool; WIDTH]; HEIGHT] {
    let mut dots = [[false; WIDTH]; HEIGHT];
    if letter == ' ' {
        return dots;
    }
    for (letters, rows) in &SHEET {
        let Some(at) = letters.chars().position(|known| known == letter) else { continue };
        for (row, ink) in dots.iter_mut().zip(rows) {
            let cells = ink.bytes().skip(at * ADVANCE).take(WIDTH);
            row.iter_mut().zip(cells).for_each(|(dot, cell)| *dot = cell == b'#');
        }
        return dots;
    }
    for (at, row) in dots.iter_mut().enumerate() {
        *row = if at % (HEIGHT - 1) == 0 { [true; WIDTH] } else { [true, false, false, false, true] };
    }
    dots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_the_sheet_is_whole_and_unlike_any_other() {
        let mut seen = std::collections::HashMap::new();
        for (letters, rows) in &SHEET {
            assert_eq!(letters.len(), 10);
            for row in rows {
                assert_eq!(row.len(), 10 * ADVANCE - 1, "{letters}: {row:?}");
                // Between letters there is no ink.
                assert!(
                    row.bytes().skip(WIDTH).step_by(ADVANCE).all(|dot| dot == b' '),
                    "{letters}: {row:?}"
                );
            }
            for letter in letters.chars() {
                let before = seen.insert(dots(letter), letter);
                assert!(
                    before.is_none() && dots(letter).iter().flatten().any(|dot| *dot),
                    "{letter} {before:?}"
                );
            }
        }
        assert_eq!(seen.len(), 80);
        assert!(!dots(' ').iter().flatten().any(|dot| *dot));
        assert!(dots('é')[0].iter().all(|dot| *dot));
    }
}
