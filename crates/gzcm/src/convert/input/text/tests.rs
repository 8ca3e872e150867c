use super::*;

fn open(text: &[u8], options: &OpenOptions) -> Result<TextFile> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contacts.txt");
    std::fs::write(&path, text).unwrap();
    TextFile::open(&path, options)
}

fn all(file: &TextFile, chrom1: usize, chrom2: usize) -> Vec<(u32, u32, f64)> {
    let size = file.bin_sizes_bp[0];
    let bins = |chrom: usize| 0..u32::try_from(file.chromosomes[chrom].bins(size.into())).unwrap();
    let query = Query { bin_size_bp: size, chrom1, bins1: bins(chrom1), chrom2, bins2: bins(chrom2) };
    let batches: Result<Vec<_>> = file.pixels(&query).unwrap().collect();
    batches.unwrap().concat().iter().map(|pixel| (pixel.bin1, pixel.bin2, pixel.count)).collect()
}

fn of_bins(bin_size_bp: u32) -> OpenOptions {
    OpenOptions { bin_size_bp: Some(bin_size_bp), ..OpenOptions::default() }
}

#[test]
fn any_order_and_either_half_give_the_upper_triangle() {
    let text = b"# a comment\nb 25 a 5 2\na\t31\ta\t1\t7 # half\n\na 0 a 0 1\r\nb 10 b 12 3\na 3 b 21 0\n";
    for chunk_pixels in [None, Some(1)] {
        let file = open(text, &OpenOptions { chunk_pixels, ..of_bins(10) }).unwrap();
        let names: Vec<_> = file.chromosomes().iter().map(|c| (c.name.as_str(), c.length_bp)).collect();
        assert_eq!(names, [("b", 30), ("a", 40)]);
        assert_eq!(all(&file, 0, 1), [(2, 0, 2.0)]);
        assert_eq!(all(&file, 1, 1), [(0, 0, 1.0), (0, 3, 7.0)]);
        assert_eq!(all(&file, 0, 0), [(1, 1, 3.0)]);
        assert_eq!(file.count_kind(10).unwrap(), CountKind::Unsigned);
    }
}

#[test]
fn gzip_seven_columns_and_given_chromosomes() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"c1 0 5 c2 5 10 1.5\nc1 5 10 c1 5 10 -2\n").unwrap();
    let chromosome = |name: &str| Chromosome { name: name.to_owned(), length_bp: 12 };
    let chromosomes = Some(vec![chromosome("c1"), chromosome("c2")]);
    let options = OpenOptions { chromosomes, ..of_bins(5) };
    let file = open(&packed.finish().unwrap(), &options).unwrap();
    assert_eq!(all(&file, 0, 1), [(0, 1, 1.5)]);
    assert_eq!(all(&file, 0, 0), [(1, 1, -2.0)]);
    assert_eq!(file.count_kind(5).unwrap(), CountKind::F64);
    let error = open(b"c1 12 c2 15 1\n", &options).err().unwrap().to_string();
    assert!(error.contains("15 is beyond the end"), "{error}");
    assert!(open(b"c3 12 c2 1 1\n", &options).err().unwrap().to_string().contains("c3 is none"));
}

#[test]
fn errors_name_the_line() {
    let bins = OpenOptions { columns: Some(Columns::Bins), ..of_bins(5) };
    assert_eq!(all(&open(b"3 1 9\n", &bins).unwrap(), 0, 0), [(1, 3, 9.0)]);
    for (text, place) in [
        ("1 2 3\n1 2\n", "line 2: 2 columns"),
        ("chrom1 pos1 chrom2 pos2 count\n", "line 1: \"pos1\" is no position"),
        ("1 2 3\n\n1 4 x\n", "line 3: \"x\" is no count"),
        ("1 2 inf\n", "line 1: the count inf is not finite"),
        ("1 2 9007199254740993\n", "line 1: the count 9007199254740993"),
        ("1 -2 3\n", "line 1: \"-2\" is no position"),
        ("1 99999999999999 3\n", "line 1: 99999999999999 is beyond"),
        ("a 1 b 2 3 4 5 6 7\n", "line 1: more than 7"),
        ("", "no contacts"),
    ] {
        let error = open(text.as_bytes(), &of_bins(1)).err().unwrap().to_string();
        assert!(error.contains(place) && error.contains("contacts.txt"), "{error}");
    }
    assert!(open(&[b'1'; 1 << 17], &of_bins(1)).err().unwrap().to_string().contains("longer than"));
    assert!(open(b"1 \xff 2\n", &of_bins(1)).err().unwrap().to_string().contains("line 1: not UTF-8"));
    assert!(open(b"1 1 1\n", &OpenOptions::default()).err().unwrap().to_string().contains("bin_size_bp"));
}

#[test]
fn a_square_matrix_is_refused_not_doubled() {
    let file = open(b"1 2 3\n2 1 3\n", &of_bins(1)).unwrap();
    let query = Query { bin_size_bp: 1, chrom1: 0, bins1: 0..3, chrom2: 0, bins2: 0..3 };
    let error = file.pixels(&query).unwrap().next().unwrap().unwrap_err().to_string();
    assert!(error.contains("appears twice"), "{error}");
}
