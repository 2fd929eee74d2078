//! `wit/README.md` holds the host's table of error codes, row by row.

use tidegate::error::Code;

#[test]
fn the_readme_has_the_row_of_every_code() {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit/README.md")).unwrap();
    let mut rows = readme
        .lines()
        .filter(|line| line.starts_with("| `") && line.matches('|').count() == 5);
    for code in Code::ALL {
        let row = rows.next().unwrap_or_else(|| panic!("no row for {code}"));
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let expected = (format!("`{code}`"), code.blame().to_string(), code.advice());
        assert_eq!(
            (cells[1].to_owned(), cells[2].to_owned(), cells[4]),
            expected
        );
    }
    assert_eq!(rows.next(), None, "a row for a code that is not there");
}
