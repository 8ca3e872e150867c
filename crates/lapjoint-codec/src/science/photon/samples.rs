//! Arrays of real numbers, element by element, over all processors.

use std::num::NonZero;

use lapjoint_types::array::Element;
use lapjoint_types::{ByteOrder, DType, Kind, NdArray, Order};

use crate::error::CodecError;

const NAME: &str = "photon";
/// Elements below which a thread costs more than it helps.
const PER_THREAD_ELEMENTS: usize = 1 << 17;
/// Whole numbers from here on are not all told apart by a double, nor by its square root.
const LARGEST_WHOLE: f64 = 1_125_899_906_842_624.0;

/// What lies between the least and the greatest element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Least element.
    pub least: f64,
    /// Greatest element.
    pub most: f64,
    /// Whether the array's type holds whole numbers only.
    pub whole: bool,
}

/// Processors that this process may use.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

fn not_numbers(dtype: &DType) -> CodecError {
    let message = match dtype.kind {
        Kind::Float(2) => "does not take float16: convert it with astype(\"float32\")".to_owned(),
        _ => format!("requires an array of real numbers, got {dtype}"),
    };
    CodecError::value(NAME, message)
}

/// Runs `work` with the elements in row-major order as chunks of bytes and a function that reads one as `f64`.
macro_rules! with_samples {
    ($array:expr, $chunks:ident, $read:ident, $work:expr) => {{
        let array = $array.to_order(Order::C);
        macro_rules! typed {
            ($number:ty, $from:ident) => {{
                let ($chunks, _) = array.data().as_chunks();
                #[expect(clippy::allow_attributes, reason = "casts of one macro over many types")]
                #[allow(
                    clippy::cast_lossless,
                    clippy::cast_precision_loss,
                    reason = "64-bit whole numbers are checked for their range"
                )]
                let $read = |bytes: &[u8; size_of::<$number>()]| <$number>::$from(*bytes) as f64;
                $work
            }};
        }
        let big = array.dtype().order == ByteOrder::Big;
        match (&array.dtype().kind, big) {
            (Kind::Bool | Kind::UInt(1), _) => typed!(u8, from_le_bytes),
            (Kind::Int(1), _) => typed!(i8, from_le_bytes),
            (Kind::UInt(2), false) => typed!(u16, from_le_bytes),
            (Kind::UInt(2), true) => typed!(u16, from_be_bytes),
            (Kind::Int(2), false) => typed!(i16, from_le_bytes),
            (Kind::Int(2), true) => typed!(i16, from_be_bytes),
            (Kind::UInt(4), false) => typed!(u32, from_le_bytes),
            (Kind::UInt(4), true) => typed!(u32, from_be_bytes),
            (Kind::Int(4), false) => typed!(i32, from_le_bytes),
            (Kind::Int(4), true) => typed!(i32, from_be_bytes),
            (Kind::UInt(8), false) => typed!(u64, from_le_bytes),
            (Kind::UInt(8), true) => typed!(u64, from_be_bytes),
            (Kind::Int(8), false) => typed!(i64, from_le_bytes),
            (Kind::Int(8), true) => typed!(i64, from_be_bytes),
            (Kind::Float(4), false) => typed!(f32, from_le_bytes),
            (Kind::Float(4), true) => typed!(f32, from_be_bytes),
            (Kind::Float(8), false) => typed!(f64, from_le_bytes),
            (Kind::Float(8), true) => typed!(f64, from_be_bytes),
            _ => Err(not_numbers(array.dtype())),
        }
    }};
}

/// `work` on every element; the result has the array's shape, row-major.
///
/// # Errors
/// [`CodecError::Value`] when the array is not of real numbers.
pub fn map_values<O: Element + Default>(
    array: &NdArray,
    work: impl Fn(f64) -> O + Sync,
) -> Result<NdArray, CodecError> {
    let shape = array.shape().to_vec();
    with_samples!(array, chunks, read, {
        let mut out = vec![O::default(); chunks.len()];
        let part = chunks.len().div_ceil(processors()).max(PER_THREAD_ELEMENTS);
        let fill = |out: &mut [O], chunks: &[_]| {
            for (target, source) in out.iter_mut().zip(chunks) {
                *target = work(read(source));
            }
        };
        if chunks.len() <= part {
            fill(&mut out, chunks);
        } else {
            std::thread::scope(|scope| {
                for (out, chunks) in out.chunks_mut(part).zip(chunks.chunks(part)) {
                    let fill = &fill;
                    scope.spawn(move || fill(out, chunks));
                }
            });
        }
        NdArray::from_shape_vec(shape, out).map_err(|error| CodecError::value(NAME, error.to_string()))
    })
}

/// Least and greatest element; `None` of an empty array.
///
/// # Errors
/// [`CodecError::Value`] when the array is not of real numbers, has NaN or an infinity, or whole numbers beyond 2⁵⁰.
pub fn range(array: &NdArray) -> Result<Option<Range>, CodecError> {
    let whole = !matches!(array.dtype().kind, Kind::Float(_));
    with_samples!(array, chunks, read, {
        if chunks.is_empty() {
            return Ok(None);
        }
        let part = chunks.len().div_ceil(processors()).max(PER_THREAD_ELEMENTS);
        let extent = |chunks: &[_]| {
            let (mut least, mut most, mut finite) = (f64::INFINITY, f64::NEG_INFINITY, true);
            for chunk in chunks {
                let value: f64 = read(chunk);
                least = if value < least { value } else { least };
                most = if value > most { value } else { most };
                finite &= value.is_finite();
            }
            (least, most, finite)
        };
        let parts: Vec<_> = if chunks.len() <= part {
            vec![extent(chunks)]
        } else {
            std::thread::scope(|scope| {
                let threads: Vec<_> =
                    chunks.chunks(part).map(|chunks| scope.spawn(|| extent(chunks))).collect();
                // A thread that panicked would be our defect; its part then counts as not finite, and the value is refused.
                threads.into_iter().map(|thread| thread.join().unwrap_or((0.0, 0.0, false))).collect()
            })
        };
        let mut range = Range { least: f64::INFINITY, most: f64::NEG_INFINITY, whole };
        for (least, most, finite) in parts {
            if !finite {
                return Err(CodecError::value(NAME, "cannot store NaN or infinite values".to_owned()));
            }
            range.least = range.least.min(least);
            range.most = range.most.max(most);
        }
        if whole && (range.most > LARGEST_WHOLE || range.least < -LARGEST_WHOLE) {
            return Err(CodecError::value(
                NAME,
                format!("cannot keep whole numbers beyond 2^50, got {}", range.most),
            ));
        }
        Ok(Some(range))
    })
}

/// `work` on every element, in another type; of whole numbers the nearest, and within the type's range.
///
/// # Errors
/// [`CodecError::Value`] when one of the types is not of real numbers.
pub fn convert(
    array: &NdArray,
    dtype: &DType,
    work: impl Fn(f64) -> f64 + Sync,
) -> Result<NdArray, CodecError> {
    macro_rules! to {
        ($number:ty) => {{
            #[expect(clippy::allow_attributes, reason = "casts of one macro over many types")]
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "Rust's casts keep within the type's range"
            )]
            map_values(array, |value| work(value).round_ties_even() as $number)
        }};
    }
    match dtype.kind {
        Kind::Bool => map_values(array, |value| work(value) >= 0.5),
        Kind::UInt(1) => to!(u8),
        Kind::UInt(2) => to!(u16),
        Kind::UInt(4) => to!(u32),
        Kind::UInt(8) => to!(u64),
        Kind::Int(1) => to!(i8),
        Kind::Int(2) => to!(i16),
        Kind::Int(4) => to!(i32),
        Kind::Int(8) => to!(i64),
        Kind::Float(4) =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "the nearest float32 is what is asked for")]
            map_values(array, |value| work(value) as f32)
        }
        Kind::Float(8) => map_values(array, work),
        _ => Err(not_numbers(dtype)),
    }
}

/// Pairs of elements that follow one another along the first axis, at most about `limit` of them, spread over the array.
///
/// # Errors
/// [`CodecError::Value`] when the array is not of real numbers.
pub fn for_each_pair(
    array: &NdArray,
    limit: usize,
    mut visit: impl FnMut(f64, f64),
) -> Result<(), CodecError> {
    let frames = array.shape().first().copied().unwrap_or_default();
    if frames < 2 || array.is_empty() {
        return Ok(());
    }
    let frame = array.len_elements() / frames;
    let step = ((frames - 1) * frame).div_ceil(limit.max(1)).max(1);
    with_samples!(array, chunks, read, {
        for first in (0..frames - 1).step_by(step) {
            let (Some(before), Some(after)) = (
                chunks.get(first * frame..(first + 1) * frame),
                chunks.get((first + 1) * frame..(first + 2) * frame),
            ) else {
                break;
            };
            for (before, after) in before.iter().zip(after) {
                visit(read(before), read(after));
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn every_number_type_is_read_in_both_byte_orders() {
        for text in ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"] {
            let width = usize::from(text.as_bytes()[1] - b'0');
            let kind = match (text.as_bytes()[0], u8::try_from(width).unwrap()) {
                (b'i', width) => Kind::Int(width),
                (b'u', width) => Kind::UInt(width),
                (_, width) => Kind::Float(width),
            };
            let dtype = DType::little(kind.clone());
            let plain = convert(&NdArray::from_vec(vec![0.0, 1.0, 100.0]), &dtype, |value| value).unwrap();
            assert_eq!(plain.dtype(), &dtype);
            let swapped: Vec<u8> =
                plain.data().chunks(width).flat_map(|item| item.iter().rev().copied()).collect();
            let big =
                NdArray::new(DType { kind, order: ByteOrder::Big }, vec![3], Order::C, Bytes::from(swapped))
                    .unwrap();
            for array in [plain, big] {
                assert_eq!(
                    map_values(&array, |value| value).unwrap().to_vec::<f64>().unwrap(),
                    [0.0, 1.0, 100.0],
                    "{text}"
                );
                let found = range(&array).unwrap().unwrap();
                assert_eq!((found.least, found.most, found.whole), (0.0, 100.0, !text.starts_with('f')));
            }
        }
    }

    #[test]
    fn many_elements_are_done_by_many_threads() {
        let values: Vec<i32> = (0..1_000_003).collect();
        let array = NdArray::from_vec(values);
        let doubled = map_values(&array, |value| value * 2.0).unwrap().to_vec::<f64>().unwrap();
        assert!(
            doubled
                .iter()
                .enumerate()
                .all(|(index, value)| *value == 2.0 * f64::from(u32::try_from(index).unwrap()))
        );
        assert_eq!(range(&array).unwrap(), Some(Range { least: 0.0, most: 1_000_002.0, whole: true }));
    }

    #[test]
    fn column_major_arrays_keep_their_places() {
        let array = NdArray::from_shape_vec(vec![2, 3], vec![1u8, 2, 3, 4, 5, 6]).unwrap();
        let turned = map_values(&array.to_order(Order::F), |value| value).unwrap();
        assert_eq!(turned.to_vec::<f64>().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for kind in [Kind::Complex(8), Kind::Unicode(1), Kind::Float(2)] {
            let dtype = DType::little(kind);
            let array =
                NdArray::new(dtype.clone(), vec![1], Order::C, vec![0; dtype.item_bytes()].into()).unwrap();
            assert!(range(&array).is_err() && map_values(&array, |value| value).is_err());
        }
        assert!(range(&NdArray::from_vec(vec![1.0, f64::NAN])).is_err());
        assert!(range(&NdArray::from_vec(vec![f32::INFINITY])).is_err());
        assert!(range(&NdArray::from_vec(vec![u64::MAX])).is_err());
        assert!(range(&NdArray::from_vec(Vec::<f64>::new())).unwrap().is_none());
    }

    #[test]
    fn pairs_are_of_successive_frames() {
        let array = NdArray::from_shape_vec(vec![4, 1, 2], vec![0u16, 1, 10, 11, 20, 21, 30, 31]).unwrap();
        let mut pairs = Vec::new();
        for_each_pair(&array, usize::MAX, |before, after| pairs.push((before, after))).unwrap();
        assert_eq!(pairs, [(0.0, 10.0), (1.0, 11.0), (10.0, 20.0), (11.0, 21.0), (20.0, 30.0), (21.0, 31.0)]);
        pairs.clear();
        for_each_pair(&array, 4, |before, after| pairs.push((before, after))).unwrap();
        assert_eq!(pairs.len(), 4);
    }
}
