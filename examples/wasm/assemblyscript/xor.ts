// <xor>: arrays of any numbers, each element combined with the one before by exclusive or, without its leading zero bytes.
//
// What it does
//   Stores slowly changing floats and integers without loss: bits that do not change are not stored.
// Specification
//   "XOR1", then the array's header as the ABI defines it (8 bytes, and 8 for each dimension), then for each element, in row-major
//   order, e = element ^ the element before (the first: 0): one byte n, how many low bytes of e follow, and those bytes,
//   little-endian. Complex numbers are two elements of half the size.
// Names
//   <xor> is bytes in the table; <xor@> and <xor@store> are an object in a store.
// Stored form
//   As under Specification.
// Compatibility
//   Version 1.0.
//
//   asc xor.ts --outFile xor.wasm -O3 --noAssert --runtime stub --use abort=

const DESCRIPTION: string =
  '{"name": "xor", "summary": "numbers without the bits that do not change", "version": "1.0", "values": "array"}';
const REFUSED: u64 = u64.MAX_VALUE;
const MAGIC: u32 = 0x31524f58;

let message: string = "";

function region(at: usize, length: u64): u64 {
  return ((at as u64) << 32) | length;
}

function text(string: string): u64 {
  const bytes = String.UTF8.encode(string);
  return region(changetype<usize>(bytes), bytes.byteLength);
}

function refuse(why: string): u64 {
  message = why;
  return REFUSED;
}

export function dj_abi_version(): i32 {
  return 1;
}

export function dj_describe(): u64 {
  return text(DESCRIPTION);
}

export function dj_error(): u64 {
  return text(message);
}

// An instance serves one call, so that memory is only ever taken: the stub runtime's allocator does that.
export function dj_alloc(length: u32): usize {
  return take(length);
}

// 0 when there is no room; the allocator itself would trap.
function take(length: u64): usize {
  return length < 0x3ffffff0 ? heap.alloc(<usize>length) : 0;
}

// Bytes of a word of the elements; 0 when they are none that this codec knows.
function word(header: usize): u32 {
  const item: u32 = load<u8>(header, 1);
  const half = load<u8>(header) == 0x63 ? item >> 1 : item;
  return half == 1 || half == 2 || half == 4 || half == 8 ? half : 0;
}

// Words that shape and type ask for; u64.MAX_VALUE when they cannot be counted.
function words(header: usize): u64 {
  let count: u64 = load<u8>(header) == 0x63 ? 2 : 1;
  const dimensions: u32 = load<u8>(header, 2);
  for (let i: u32 = 0; i < dimensions; i++) {
    if (load<u64>(header + 8 + 8 * i) == 0) return 0;
  }
  for (let i: u32 = 0; i < dimensions; i++) {
    const size = load<u64>(header + 8 + 8 * i);
    if (count > 0xffffffff / size) return u64.MAX_VALUE;
    count *= size;
  }
  return count;
}

function read(at: usize, bytes: u32): u64 {
  let number: u64 = 0;
  for (let i: u32 = 0; i < bytes; i++) number |= (load<u8>(at + i) as u64) << (8 * i);
  return number;
}

function write(at: usize, number: u64, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) store<u8>(at + i, (number >> (8 * i)) as u8);
}

// Length of the header at an address with so many bytes; 0 when it is cut short or damaged.
function header(at: usize, length: u32): u32 {
  if (length < 8) return 0;
  const dimensions: u32 = load<u8>(at, 2);
  const bytes: u32 = 8 + 8 * dimensions;
  return dimensions <= 32 && bytes <= length && word(at) != 0 ? bytes : 0;
}

export function dj_encode(value: usize, length: u32): u64 {
  const head = header(value, length);
  if (head == 0) return refuse("expects an array of numbers of at most 8 bytes");
  const size = word(value);
  const count = words(value);
  if (count * size != length - head) return refuse("the array does not have its elements");
  const out = take(4 + (head as u64) + count * (size + 1));
  if (out == 0) return refuse("there is not enough memory");
  store<u32>(out, MAGIC);
  memory.copy(out + 4, value, head);
  let at = out + 4 + head;
  let before: u64 = 0;
  for (let from = value + head, end = value + length; from < end; from += size) {
    const now = read(from, size);
    const bits = now ^ before;
    before = now;
    const bytes = ((71 - <u32>clz(bits)) >> 3) as u32;
    store<u8>(at, bytes as u8);
    write(at + 1, bits, bytes);
    at += 1 + bytes;
  }
  return region(out, at - out);
}

export function dj_decode(stored: usize, length: u32): u64 {
  if (length < 4 || load<u32>(stored) != MAGIC) return refuse("these bytes do not begin with XOR1");
  const head = header(stored + 4, length - 4);
  if (head == 0) return refuse("cut short or damaged in the header");
  const size = word(stored + 4);
  const count = words(stored + 4);
  // Every word takes a byte at least, so that a shape alone takes no memory.
  if (count > length) return refuse("there are fewer elements than the shape has");
  const out = take(head + count * size);
  if (out == 0) return refuse("there is not enough memory");
  memory.copy(out, stored + 4, head);
  let to = out + head;
  let at = stored + 4 + head;
  const end = stored + length;
  let before: u64 = 0;
  for (let i: u64 = 0; i < count; i++) {
    if (at >= end) return refuse("cut short in an element");
    const bytes: u32 = load<u8>(at++);
    if (bytes > size || <usize>bytes > end - at) return refuse("cut short or damaged in an element");
    before ^= read(at, bytes);
    at += bytes;
    write(to, before, size);
    to += size;
  }
  if (at != end) return refuse("bytes follow the last element");
  return region(out, to - out);
}
