use std::path::Path;

use proptest::prelude::*;

use super::*;

/// The golden vectors of libbsc 3.3.5: tile, coder, raw bytes, block.
fn vectors() -> Vec<(String, String, Vec<u8>, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/libbsc");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let read = |name: String| std::fs::read(folder.join(name)).unwrap();
    let row = |row: &serde_json::Value| {
        let (tile, coder) = (row["tile"].as_str().unwrap(), row["coder"].as_str().unwrap());
        (tile.to_owned(), coder.to_owned(), read(format!("{tile}.raw")), read(format!("{tile}.{coder}.bsc")))
    };
    manifest.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn blocks_are_those_of_libbsc_byte_for_byte() {
    let mut compared = 0;
    for (tile, coder, raw, block) in vectors() {
        let lzp = match coder.as_str() {
            "fast_lzp" => true,
            "fast_nolzp" => false,
            _ => continue,
        };
        assert_eq!(decode(&block, raw.len()).unwrap(), raw, "{tile} {coder}");
        assert!(encode(&raw, &Options { lzp }).unwrap() == block, "{tile} {coder}");
        decode(&block, raw.len() - 1).unwrap_err();
        compared += 1;
    }
    assert_eq!(compared, 20);
}

#[test]
fn other_coders_are_refused_by_name() {
    let mut refused = 0;
    for (tile, coder, raw, block) in vectors() {
        if ["static", "adaptive"].contains(&coder.as_str()) && block.len() != raw.len() + 28 {
            let error = decode(&block, raw.len()).unwrap_err();
            assert!(
                matches!(error, Error::Unsupported { .. }) && error.to_string().contains(&coder),
                "{tile}: {error}"
            );
            refused += 1;
        }
    }
    assert_eq!(refused, 18);
}

/// The block with its checksums made right again.
fn resealed(mut block: Vec<u8>) -> Vec<u8> {
    let checksum = simd_adler32::adler32(&&block[28..]).to_le_bytes();
    block[20..24].copy_from_slice(&checksum);
    let checksum = simd_adler32::adler32(&&block[..24]).to_le_bytes();
    block[24..28].copy_from_slice(&checksum);
    block
}

fn sample() -> Vec<u8> {
    (0..3000u32).flat_map(|i| (i % 7 * (i / 40 % 5)).to_le_bytes()).collect()
}

#[test]
fn damage_is_found() {
    let (data, options) = (sample(), Options { lzp: true });
    let block = encode(&data, &options).unwrap();
    assert!(block.len() < 1000);
    for end in 0..block.len() {
        decode(&block[..end], data.len()).unwrap_err();
    }
    for bit in 0..block.len() * 8 {
        let mut damaged = block.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        decode(&damaged, data.len()).unwrap_err();
        // Behind right checksums of the payload, the decoder proper meets the damage. A change of bytes that are not needed (the end
        // of the range coder's stream) may leave the data as they were.
        if (bit / 8 >= 28 || (8..16).contains(&(bit / 8)))
            && let Ok(back) = decode(&resealed(damaged), data.len())
        {
            assert!(back == data);
        }
    }
}

#[test]
fn a_block_of_st_is_refused() {
    let mut block = encode(&sample(), &Options::default()).unwrap();
    block[8] = block[8] & 0xe0 | 5;
    assert!(decode(&resealed(block), 1 << 20).unwrap_err().to_string().contains("ST5"));
}

#[test]
fn lzp_finds_long_repetitions() {
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        for shift in [13, 17, 5] {
            state ^= if shift == 17 { state >> shift } else { state << shift };
        }
        state.to_le_bytes()[1]
    })
    .take(5000)
    .collect();
    let data = [noise.as_slice(), &noise, &[0xf2; 3000], &noise].concat();
    let block = encode(&data, &Options { lzp: true }).unwrap();
    assert!(lzp::encode(&data, lzp::DEFAULT).unwrap().len() < data.len() / 2);
    assert!(decode(&block, data.len()).unwrap() == data);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn data_come_back(words in proptest::collection::vec(0u32..40, 0..2000), repeats in 1usize..6, lzp: bool) {
        let data: Vec<u8> = words.iter().flat_map(|word| (word * word / 60).to_le_bytes()).collect::<Vec<_>>().repeat(repeats);
        let block = encode(&data, &Options { lzp }).unwrap();
        prop_assert!(block.len() <= data.len() + 28);
        prop_assert!(decode(&block, data.len()).unwrap() == data);
    }

    #[test]
    fn random_payloads_do_no_harm(payload in proptest::collection::vec(any::<u8>(), 0..400), lzp: bool, primary in 0usize..500) {
        let mode = header::mode(lzp.then_some(lzp::DEFAULT));
        let block = header::seal(&[0; 5000], mode, primary, &payload);
        let _ = decode(&block, 5000);
    }
}
