// XXH64, whose low half is the checksum of a frame (RFC 8878, section 3.1.1).

const PRIME1: u64 = 0x9e3779b185ebca87;
const PRIME2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME3: u64 = 0x165667b19e3779f9;
const PRIME4: u64 = 0x85ebca77c2b2ae63;
const PRIME5: u64 = 0x27d4eb2f165667c5;

function mix(sum: u64, lane: u64): u64 {
  return rotl(sum + lane * PRIME2, 31) * PRIME1;
}

/** XXH64 with seed 0, of which a frame's checksum is the low half (section 3.1.1). */
export function xxh64(input: usize, length: u32): u64 {
  let ip = input;
  const end = input + length;
  let hash: u64;
  if (length >= 32) {
    let a = PRIME1 + PRIME2;
    let b = PRIME2;
    let c: u64 = 0;
    let d: u64 = 0 - PRIME1;
    const last = end - 32;
    do {
      a = mix(a, load<u64>(ip));
      b = mix(b, load<u64>(ip, 8));
      c = mix(c, load<u64>(ip, 16));
      d = mix(d, load<u64>(ip, 24));
      ip += 32;
    } while (ip <= last);
    hash = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    hash = (hash ^ mix(0, a)) * PRIME1 + PRIME4;
    hash = (hash ^ mix(0, b)) * PRIME1 + PRIME4;
    hash = (hash ^ mix(0, c)) * PRIME1 + PRIME4;
    hash = (hash ^ mix(0, d)) * PRIME1 + PRIME4;
  } else {
    hash = PRIME5;
  }
  hash += length;
  for (; ip + 8 <= end; ip += 8) hash = rotl(hash ^ mix(0, load<u64>(ip)), 27) * PRIME1 + PRIME4;
  if (ip + 4 <= end) {
    hash = rotl(hash ^ (<u64>load<u32>(ip) * PRIME1), 23) * PRIME2 + PRIME3;
    ip += 4;
  }
  for (; ip < end; ip++) hash = rotl(hash ^ (<u64>load<u8>(ip) * PRIME5), 11) * PRIME1;
  hash = (hash ^ (hash >> 33)) * PRIME2;
  hash = (hash ^ (hash >> 29)) * PRIME3;
  return hash ^ (hash >> 32);
}
