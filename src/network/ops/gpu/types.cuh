// The types that tensors come in, read and written as float: every sum is one of floats.

#pragma once

typedef float F32;
struct F16 { unsigned short bits; };
struct BF16 { unsigned short bits; };

__device__ inline float get(F32 x) { return x; }
__device__ inline float get(F16 x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
}
__device__ inline float get(BF16 x) { return __uint_as_float((unsigned)x.bits << 16); }

__device__ inline void put(F32 *to, float x) { *to = x; }
__device__ inline void put(F16 *to, float x) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(to->bits) : "f"(x)); }
// To the nearest, an even one between two; what is no number stays none.
__device__ inline void put(BF16 *to, float x) {
  unsigned bits = __float_as_uint(x);
  to->bits = x != x ? 0x7FC0 : (unsigned short)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}
