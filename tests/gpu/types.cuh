// The types of src/network/ops/gpu/types.cuh, whose conversions are instructions of a GPU.
#pragma once
typedef float F32;
struct F16 { unsigned short bits; };
struct BF16 { unsigned short bits; };
inline float get(F32 x) { return x; }
inline float get(F16 x) { return __ushort_as_half(x.bits); }
inline float get(BF16 x) { return __ushort_as_bfloat16(x.bits); }
inline void put(F32 *to, float x) { *to = x; }
inline void put(F16 *to, float x) { to->bits = __float2half(x).x; }
inline void put(BF16 *to, float x) { to->bits = __float2bfloat16(x).x; }
