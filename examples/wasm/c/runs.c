/* <runs>: arrays of any numbers, as runs of equal neighbours.
 *
 * What it does
 *   Stores label images, masks and other arrays of long runs without loss.
 * Specification
 *   "RUN1", then the array's header as the ABI defines it (8 bytes, and 8 for each dimension), then for each run, in row-major order,
 *   its length as a varint (seven bits a byte, the lowest first, the high bit set in all bytes but the last) and its element.
 * Names
 *   <runs> is bytes in the table; <runs@> and <runs@store> are an object in a store.
 * Stored form
 *   As under Specification.
 * Compatibility
 *   Version 1.0.
 *
 * Freestanding C: no library, no allocator. An instance serves one call, so that memory is only ever taken.
 *   clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry -o runs.wasm runs.c
 */

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define EXPORT(name) __attribute__((export_name(#name)))
#define REFUSED (~0ull)
#define PAGE 65536u

static const char description[] =
    "{\"name\": \"runs\", \"summary\": \"arrays as runs of equal neighbours\", \"version\": \"1.0\", \"values\": \"array\"}";

static const char *message = "";
extern u8 __heap_base;
static u64 next = 0;

static u64 region(const void *at, u64 length) { return (u64)(u32)at << 32 | (u32)length; }

static u64 refuse(const char *why) {
    message = why;
    return REFUSED;
}

/* Takes memory; 0 when there is none. 64 bits, so that sums do not wrap. */
static u8 *take(u64 length) {
    if (next == 0) next = ((u64)(u32)&__heap_base + 15) & ~15ull;
    u64 end = (next + length + 15) & ~15ull;
    u64 have = (u64)__builtin_wasm_memory_size(0) * PAGE;
    if (end > 0xffff0000ull) return 0;
    if (end > have && __builtin_wasm_memory_grow(0, (u32)((end - have + PAGE - 1) / PAGE)) == (unsigned long)-1) return 0;
    u8 *at = (u8 *)(u32)next;
    next = end;
    return at;
}

static void copy(u8 *to, const u8 *from, u64 length) {
    for (u64 i = 0; i < length; i++) to[i] = from[i];
}

static int same(const u8 *a, const u8 *b, u32 length) {
    for (u32 i = 0; i < length; i++)
        if (a[i] != b[i]) return 0;
    return 1;
}

static u64 get64(const u8 *at) {
    u64 number = 0;
    for (int i = 7; i >= 0; i--) number = number << 8 | at[i];
    return number;
}

/* Length of the header; 0 when it is not one. Elements are counted into `count`. */
static u32 header(const u8 *at, u64 length, u64 *count) {
    if (length < 8) return 0;
    u32 item = at[1], dimensions = at[2], bytes = 8 + 8 * dimensions;
    if (dimensions > 32 || bytes > length || (item != 1 && item != 2 && item != 4 && item != 8 && item != 16)) return 0;
    *count = 1;
    for (u32 i = 0; i < dimensions; i++)
        if (get64(at + 8 + 8 * i) == 0) *count = 0;
    for (u32 i = 0; i < dimensions && *count; i++) {
        u64 size = get64(at + 8 + 8 * i);
        /* More elements than a memory of 32 bits has bytes. */
        if (*count > 0xffffffffull / size) return 0;
        *count *= size;
    }
    return bytes;
}

EXPORT(dj_abi_version) int dj_abi_version(void) { return 1; }

EXPORT(dj_describe) u64 dj_describe(void) { return region(description, sizeof description - 1); }

EXPORT(dj_error) u64 dj_error(void) {
    u32 length = 0;
    while (message[length]) length++;
    return region(message, length);
}

EXPORT(dj_alloc) void *dj_alloc(u32 length) { return take(length); }

EXPORT(dj_encode) u64 dj_encode(const u8 *value, u32 length) {
    u64 count;
    u32 head = header(value, length, &count);
    if (!head) return refuse("expects an array of numbers");
    u32 item = value[1];
    if (count != (length - head) / item || (length - head) % item) return refuse("the array does not have its elements");
    /* At worst every element is a run of its own: a byte more each. */
    u8 *out = take(4 + (u64)head + count * (item + 1));
    if (!out) return refuse("there is not enough memory");
    u8 *at = out;
    copy(at, (const u8 *)"RUN1", 4);
    copy(at + 4, value, head);
    at += 4 + head;
    const u8 *element = value + head, *end = value + length;
    while (element < end) {
        const u8 *last = element + item;
        u64 run = 1;
        while (last < end && same(element, last, item)) last += item, run++;
        for (u64 rest = run; ; rest >>= 7) {
            if (rest < 128) { *at++ = (u8)rest; break; }
            *at++ = (u8)(rest | 128);
        }
        copy(at, element, item);
        at += item;
        element = last;
    }
    return region(out, at - out);
}

EXPORT(dj_decode) u64 dj_decode(const u8 *stored, u32 length) {
    u64 count;
    if (length < 4 || !same(stored, (const u8 *)"RUN1", 4)) return refuse("these bytes do not begin with RUN1");
    u32 head = header(stored + 4, length - 4, &count);
    if (!head) return refuse("cut short or damaged in the header");
    u32 item = stored[5];
    if (count > 0xffffffffull / item) return refuse("the shape asks for more than a memory of 32 bits holds");
    const u8 *at = stored + 4 + head, *end = stored + length;
    /* The runs are counted first, so that a shape alone takes no memory. */
    u64 sum = 0;
    for (const u8 *look = at; look < end;) {
        u64 run = 0;
        for (u32 shift = 0; ; shift += 7) {
            if (look == end || shift > 35) return refuse("cut short or damaged in a run");
            u8 byte = *look++;
            run |= (u64)(byte & 127) << shift;
            if (byte < 128) break;
        }
        if (run == 0 || (u64)(end - look) < item) return refuse("cut short or damaged in a run");
        sum += run;
        look += item;
        if (sum > count) return refuse("there are more elements than the shape has");
    }
    if (sum != count) return refuse("there are fewer elements than the shape has");
    u8 *out = take(head + count * item);
    if (!out) return refuse("there is not enough memory");
    copy(out, stored + 4, head);
    u8 *to = out + head;
    while (at < end) {
        u64 run = 0;
        u32 shift = 0;
        do run |= (u64)(*at & 127) << shift, shift += 7;
        while (*at++ >= 128);
        for (; run; run--, to += item) copy(to, at, item);
        at += item;
    }
    return region(out, to - out);
}
