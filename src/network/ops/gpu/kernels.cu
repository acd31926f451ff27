#include "types.cuh"

// The operators between the products, on channels-last tensors. Every result has one thread, or one block, that computes it in
// one order: the same numbers at every run.

#define EACH(i, count) for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < (count); i += gridDim.x * blockDim.x)

// The sum, or the largest, of what the threads of a block have; `shared` holds a float for each of them.
template <typename Two> __device__ float together(float *shared, float own, Two two) {
  __syncthreads();
  shared[threadIdx.x] = own;
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) shared[threadIdx.x] = two(shared[threadIdx.x], shared[threadIdx.x + half]);
  }
  __syncthreads();
  return shared[0];
}

struct Sum { __device__ float operator()(float a, float b) const { return a + b; } };
struct Largest { __device__ float operator()(float a, float b) const { return a > b ? a : b; } };

// What a product is added to: the bias of each feature, and what else is added where there is any.
template <typename T> __device__ void begin(T *out, const T *bias, const T *add, unsigned count, unsigned features) {
  EACH(i, count) put(out + i, get(bias[i % features]) + (add ? get(add[i]) : 0.0f));
}

// The neighbourhoods of `rows` pixels of pictures (h, w, channels) from pixel `first` on, a row each: (side, side, channels),
// with zeros outside. A word is as many channels as are copied at once.
template <typename Word>
__device__ void gather(Word *out, const Word *x, unsigned first, unsigned rows, unsigned h, unsigned w, unsigned words, unsigned side) {
  EACH(i, rows * side * side * words) {
    unsigned word = i % words, at = i / words;
    unsigned dx = at % side, dy = at / side % side, pixel = first + at / (side * side);
    // Above and left of the picture they wrap around, to far beyond it.
    unsigned column = pixel % w + dx - side / 2, row = pixel / w % h + dy - side / 2, picture = pixel / w / h;
    bool inside = row < h && column < w;
    out[i] = inside ? x[((unsigned long long)(picture * h + row) * w + column) * words + word] : Word{};
  }
}

// Sums of a group's numbers in one part of a picture's pixels, and of their squares, both less the group's first number: that is
// about their mean. A block is (group, part, picture).
template <typename T> __device__ void deviations(float *sums, const T *x, unsigned pixels, unsigned channels, unsigned part) {
  extern __shared__ float shared[];
  unsigned size = channels / gridDim.x;
  const T *group = x + (unsigned long long)blockIdx.z * pixels * channels + blockIdx.x * size;
  unsigned from = blockIdx.y * part, to = from + part < pixels ? from + part : pixels;
  float origin = get(*group), sum = 0, squares = 0;
  for (unsigned i = from * size + threadIdx.x; i < to * size; i += blockDim.x) {
    float off = get(group[(unsigned long long)(i / size) * channels + i % size]) - origin;
    sum += off;
    squares += off * off;
  }
  sum = together(shared, sum, Sum());
  squares = together(shared, squares, Sum());
  if (threadIdx.x == 0) {
    float *out = sums + 2 * ((blockIdx.z * gridDim.x + blockIdx.x) * gridDim.y + blockIdx.y);
    out[0] = sum;
    out[1] = squares;
  }
}

// The normalisation that those sums stand for, a scale and a shift of each picture's channels where there are any, and GELU
// where `gelu` says so. A block is (part of the channels, part of the pixels, picture).
template <typename T>
__device__ void normalise(T *out, const T *x, const float *sums, const float *weight, const float *bias, const float *modulation,
                          unsigned pixels, unsigned channels, unsigned groups, unsigned parts, unsigned part, float eps, int gelu) {
  unsigned channel = blockIdx.x * blockDim.x + threadIdx.x, picture = blockIdx.z;
  if (channel >= channels) return;
  unsigned size = channels / groups, group = channel / size;
  x += (unsigned long long)picture * pixels * channels;
  out += (unsigned long long)picture * pixels * channels;
  float sum = 0, squares = 0, count = (float)pixels * size;
  for (unsigned i = 0; i < parts; i++) {
    const float *own = sums + 2 * ((picture * groups + group) * parts + i);
    sum += own[0];
    squares += own[1];
  }
  float off = sum / count, mean = get(x[group * size]) + off;
  float variance = squares / count - off * off;
  float scale = weight[channel] / sqrtf((variance > 0 ? variance : 0) + eps), shift = bias[channel];
  if (modulation) {
    const float *own = modulation + (unsigned long long)picture * 2 * channels;
    scale *= 1 + own[channel];
    shift = shift * (1 + own[channel]) + own[channels + channel];
  }
  unsigned from = blockIdx.y * part, to = from + part < pixels ? from + part : pixels;
  for (unsigned pixel = from; pixel < to; pixel++) {
    unsigned long long i = (unsigned long long)pixel * channels + channel;
    float y = (get(x[i]) - mean) * scale + shift;
    put(out + i, gelu ? y * normcdff(y) : y);
  }
}

// Of each row of `count` scores, `line` apart, the weights: e to the power of the scaled scores, over their sum. They may lie
// where the scores lie. A block is a row.
template <typename T> __device__ void softmax(T *weights, const float *scores, unsigned count, unsigned line, float scale) {
  extern __shared__ float shared[];
  scores += (unsigned long long)blockIdx.x * line;
  weights += (unsigned long long)blockIdx.x * line;
  float largest = __uint_as_float(0xFF800000), sum = 0; // -∞
  for (unsigned i = threadIdx.x; i < count; i += blockDim.x) largest = Largest()(scores[i], largest);
  largest = together(shared, largest, Largest());
  for (unsigned i = threadIdx.x; i < count; i += blockDim.x) sum += expf((scores[i] - largest) * scale);
  sum = together(shared, sum, Sum());
  for (unsigned i = threadIdx.x; i < count; i += blockDim.x) put(weights + i, expf((scores[i] - largest) * scale) / sum);
}

// Pictures (h, w, channels) at half their size: the mean of 2×2 pixels. `count` is of what comes out.
template <typename T> __device__ void halve(T *out, const T *x, unsigned count, unsigned h, unsigned w, unsigned channels) {
  EACH(i, count) {
    unsigned channel = i % channels, column = i / channels % (w / 2), row = i / channels / (w / 2) % (h / 2);
    unsigned picture = i / channels / (w / 2) / (h / 2), line = w * channels;
    const T *corner = x + (unsigned long long)(picture * h + 2 * row) * line + 2 * column * channels + channel;
    put(out + i, 0.25f * (get(corner[0]) + get(corner[channels]) + get(corner[line]) + get(corner[line + channels])));
  }
}

// Pictures (h, w, channels) at twice their size: each pixel 2×2 times. `count` is of what comes out.
template <typename T> __device__ void enlarge(T *out, const T *x, unsigned count, unsigned h, unsigned w, unsigned channels) {
  EACH(i, count) {
    unsigned channel = i % channels, column = i / channels % (2 * w) / 2, line = i / channels / (2 * w);
    unsigned picture = line / (2 * h), row = line % (2 * h) / 2;
    out[i] = x[((unsigned long long)(picture * h + row) * w + column) * channels + channel];
  }
}

#define GATHER(name, Word)                                                                                                          \
  extern "C" __global__ void gather_##name(Word *out, const Word *x, unsigned first, unsigned rows, unsigned h, unsigned w,         \
                                           unsigned words, unsigned side) {                                                         \
    gather(out, x, first, rows, h, w, words, side);                                                                                 \
  }
GATHER(2, unsigned short)
GATHER(4, unsigned)
GATHER(16, uint4)

#define OF(name, T)                                                                                                                 \
  extern "C" __global__ void begin_##name(T *out, const T *bias, const T *add, unsigned count, unsigned features) {                 \
    begin(out, bias, add, count, features);                                                                                         \
  }                                                                                                                                 \
  extern "C" __global__ void deviations_##name(float *sums, const T *x, unsigned pixels, unsigned channels, unsigned part) {        \
    deviations(sums, x, pixels, channels, part);                                                                                    \
  }                                                                                                                                 \
  extern "C" __global__ void normalise_##name(T *out, const T *x, const float *sums, const float *weight, const float *bias,        \
                                              const float *modulation, unsigned pixels, unsigned channels, unsigned groups,         \
                                              unsigned parts, unsigned part, float eps, int gelu) {                                 \
    normalise(out, x, sums, weight, bias, modulation, pixels, channels, groups, parts, part, eps, gelu);                            \
  }                                                                                                                                 \
  extern "C" __global__ void softmax_##name(T *weights, const float *scores, unsigned count, unsigned line, float scale) {          \
    softmax(weights, scores, count, line, scale);                                                                                   \
  }                                                                                                                                 \
  extern "C" __global__ void halve_##name(T *out, const T *x, unsigned count, unsigned h, unsigned w, unsigned channels) {          \
    halve(out, x, count, h, w, channels);                                                                                           \
  }                                                                                                                                 \
  extern "C" __global__ void double_##name(T *out, const T *x, unsigned count, unsigned h, unsigned w, unsigned channels) {         \
    enlarge(out, x, count, h, w, channels);                                                                                         \
  }
OF(f32, F32)
OF(f16, F16)
OF(bf16, BF16)
