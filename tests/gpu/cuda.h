// What nvcc gives to a kernel, for a C++ compiler: one thread at a time is every thread (stand_in.cpp).
#pragma once
#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <immintrin.h>
#include <type_traits>
#include <utility>

#define __CUDA_ARCH__ 800
#define __CUDACC_VER_MAJOR__ 13
#define __CUDACC_VER_MINOR__ 0
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define __shared__ static

struct Index { unsigned x, y, z; };
extern Index threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;

// The threads of a block take turns: each goes on until it waits for the others.
void wait_for_all();
inline void __syncthreads() { wait_for_all(); }
extern char dynamic_memory[];

// What each thread shows the others.
extern uint64_t shown[1024];
template <class T> T exchange(T own, unsigned me, unsigned other) {
  memcpy(&shown[me], &own, sizeof own);
  wait_for_all();
  T theirs;
  memcpy(&theirs, &shown[other], sizeof theirs);
  wait_for_all();
  return theirs;
}
inline unsigned thread() { return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); }
template <class T> T __shfl_xor_sync(unsigned, T own, int mask, int = 32) { return exchange(own, thread(), thread() ^ mask); }

template <class To, class From> To bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}
inline float __uint_as_float(unsigned x) { return bits<float>(x); }
inline float __int_as_float(int x) { return bits<float>(x); }
inline unsigned __float_as_uint(float x) { return bits<unsigned>(x); }
inline int __float_as_int(float x) { return bits<int>(x); }
inline double __longlong_as_double(long long x) { return bits<double>(x); }
inline long long __double_as_longlong(double x) { return bits<long long>(x); }
inline float normcdff(float x) { return 0.5f * erfcf(-x * 0.70710678118654752f); }
inline double normcdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float x) { return expf(x); }
using std::isnan, std::max, std::min, std::signbit;

// f16, bf16, and f8, which nothing here asks for: each operation in float, rounded.
enum Kind { HALF, BRAIN, EIGHT };
template <class T> using Number = std::enable_if_t<std::is_arithmetic<T>::value>;
template <Kind kind> struct Small {
  unsigned short x;
  Small() = default;
  template <class T, class = Number<T>> Small(T value) : x(round((float)value)) {}
  template <Kind other, class = std::enable_if_t<other != kind>> explicit Small(Small<other> value) : x(round((float)value)) {}
  template <class T, class = Number<T>> operator T() const { return (T)wide(); }
  float wide() const {
    if (kind == EIGHT) abort();
    return kind == HALF ? _cvtsh_ss(x) : bits<float>((unsigned)x << 16);
  }
  static unsigned short round(float value) {
    if (kind == EIGHT) abort();
    if (kind == HALF) return _cvtss_sh(value, 0);
    unsigned wide = bits<unsigned>(value);
    return value != value ? 0x7FC0 : (wide + 0x7FFF + (wide >> 16 & 1)) >> 16;
  }
  Small &operator+=(Small other) { return *this = Small(wide() + other.wide()); }
  Small &operator*=(Small other) { return *this = Small(wide() * other.wide()); }
  Small operator-() const { return Small(-wide()); }
};
#define OPERATOR(op, R)                                                                                                             \
  template <Kind k> R operator op(Small<k> a, Small<k> b) { return R(a.wide() op b.wide()); }                                       \
  template <Kind k, class T, class = Number<T>> R operator op(Small<k> a, T b) { return R(a.wide() op Small<k>(b).wide()); }        \
  template <Kind k, class T, class = Number<T>> R operator op(T a, Small<k> b) { return R(Small<k>(a).wide() op b.wide()); }
OPERATOR(+, Small<k>) OPERATOR(-, Small<k>) OPERATOR(*, Small<k>) OPERATOR(/, Small<k>)
OPERATOR(<, bool) OPERATOR(>, bool) OPERATOR(<=, bool) OPERATOR(>=, bool) OPERATOR(==, bool) OPERATOR(!=, bool)

typedef Small<HALF> __half;
typedef Small<BRAIN> __nv_bfloat16;
struct __nv_fp8_e4m3 : Small<EIGHT> {
  unsigned char __x;
  using Small::Small;
  __nv_fp8_e4m3() = default;
  __nv_fp8_e4m3(Small<EIGHT> value) : Small(value) {}
};
enum { __NV_E4M3 };
inline __half __nv_cvt_fp8_to_halfraw(unsigned char, int) { abort(); }
inline float __half2float(__half x) { return x; }
inline __half __float2half(float x) { return x; }
inline float __bfloat162float(__nv_bfloat16 x) { return x; }
inline __nv_bfloat16 __float2bfloat16(float x) { return x; }
inline __nv_bfloat16 __float2bfloat16_rn(float x) { return x; }
inline unsigned short __half_as_ushort(__half x) { return x.x; }
inline __half __ushort_as_half(unsigned short x) { return bits<__half>(x); }
inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 x) { return x.x; }
inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short x) { return bits<__nv_bfloat16>(x); }
#define FUNCTION(name, f) template <Kind k> Small<k> name(Small<k> x) { return Small<k>(f(x.wide())); }
FUNCTION(hsqrt, sqrtf) FUNCTION(hcos, cosf) FUNCTION(hsin, sinf) FUNCTION(hlog, logf) FUNCTION(hexp, expf) FUNCTION(__habs, fabsf)
template <Kind k> bool __hisnan(Small<k> x) { return isnan(x.wide()); }
template <Kind k> Small<k> __hmax_nan(Small<k> a, Small<k> b) { return __hisnan(a) || a > b ? a : b; }
template <Kind k> Small<k> __hmin_nan(Small<k> a, Small<k> b) { return __hisnan(a) || a < b ? a : b; }

struct alignas(4) __half2 { __half x, y; };
struct alignas(4) __nv_bfloat162 { __nv_bfloat16 x, y; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float2 __bfloat1622float2(__nv_bfloat162 x) { return {x.x, x.y}; }
inline __nv_bfloat162 __float22bfloat162_rn(float2 x) { return {x.x, x.y}; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
#define PAIRS(name, f) inline __nv_bfloat162 name(__nv_bfloat162 a, __nv_bfloat162 b) { return {f(a.x, b.x), f(a.y, b.y)}; }
PAIRS(__hadd2, std::plus<>()) PAIRS(__hsub2, std::minus<>()) PAIRS(__hmul2, std::multiplies<>()) PAIRS(__h2div, std::divides<>())
PAIRS(__hmax2_nan, __hmax_nan) PAIRS(__hmin2_nan, __hmin_nan)

template <class T> T __ldg(const T *from) { return *from; }
template <class T> T atomicAdd(T *to, T x) { return std::exchange(*to, T(*to + x)); }
template <class T, class U> T atomicMax(T *to, U x) { return std::exchange(*to, max(*to, (T)x)); }
template <class T, class U> T atomicMin(T *to, U x) { return std::exchange(*to, min(*to, (T)x)); }
template <class T> T atomicCAS(T *to, T known, T x) { return std::exchange(*to, *to == known ? x : *to); }

// Kernels by their names, called with the addresses of their arguments.
typedef void Call(void **arguments);
bool enter(const char *module, const char *name, Call *call);
template <class... A, size_t... i> void call(void (*kernel)(A...), void **arguments, std::index_sequence<i...>) {
  kernel(*(std::remove_const_t<A> *)arguments[i]...);
}
template <auto kernel> struct Kernel;
template <class... A, void (*kernel)(A...)> struct Kernel<kernel> {
  static void run(void **arguments) { call(kernel, arguments, std::index_sequence_for<A...>{}); }
};
#define ENTER(module, name) static bool entered_##name = enter(module, #name, Kernel<&name>::run);
