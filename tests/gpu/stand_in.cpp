// A libcuda, and what of cuBLAS and cuRAND is called, that computes on the CPU, whatever it is asked for at once: so that the CUDA
// build can be tested where there is no GPU. It is slow, and what it says of a chip's speed, nothing.
//
// GPUS=2 has two of them; MEMORY=BYTES is what each has (24 GiB); IDLE=1 computes and copies nothing, and only counts memory;
// REPORT=1 says at the end which kernels were called how often, and the memory at the peak.
#include "cuda.h"
#include <map>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <vector>

Index threadIdx, blockIdx, blockDim, gridDim;
alignas(16) char dynamic_memory[48 << 10];
uint64_t shown[1024];

typedef std::map<std::string, Call *> Module;
static std::map<std::string, Module> &modules() {
  static std::map<std::string, Module> all;
  return all;
}
bool enter(const char *module, const char *name, Call *call) { return modules()[module].emplace(name, call).second; }

static const bool idle = getenv("IDLE");
static size_t number(const char *name, size_t otherwise) { return getenv(name) ? strtoull(getenv(name), nullptr, 10) : otherwise; }
static const size_t gpus = number("GPUS", 1), memory = number("MEMORY", size_t(24) << 30);

// One thing at a time, whichever thread asks for it.
static std::recursive_mutex turn;
typedef std::lock_guard<std::recursive_mutex> Turn;
static std::map<std::string, size_t> calls;
static std::map<void *, size_t> rooms;
static size_t used, peak;

// The threads of a block: each has a stack of its own, and gives the word to the next when it waits.
constexpr size_t STACK = 1 << 16;
struct Thread { void *stack_pointer; char *stack; bool done; };
static Thread threads[1024];
static void *home;
static unsigned current;
static Call *kernel;
static void **arguments;
extern "C" void give_word(void **own, void *other);
asm(R"(
.globl give_word
give_word:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
)");
void wait_for_all() { give_word(&threads[current].stack_pointer, home); }
static void first_word() {
  kernel(arguments);
  threads[current].done = true;
  wait_for_all();
}
static void speak(unsigned thread) {
  current = thread;
  threadIdx = {thread % blockDim.x, thread / blockDim.x % blockDim.y, thread / blockDim.x / blockDim.y};
}
static void run_block(unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    Thread &thread = threads[i];
    if (!thread.stack) thread.stack = (char *)aligned_alloc(64, STACK);
    // Where a call leaves it: the address that it returns to on top.
    void **top = (void **)(thread.stack + STACK) - 2;
    *top = (void *)first_word;
    thread.stack_pointer = top - 6;
    thread.done = false;
  }
  for (bool any = true; any;) {
    any = false;
    for (unsigned i = 0; i < count; i++) {
      if (threads[i].done) continue;
      speak(i);
      give_word(&home, threads[i].stack_pointer);
      any |= !threads[i].done;
    }
  }
}

struct Report {
  ~Report() {
    if (!getenv("REPORT")) return;
    for (auto &[name, count] : calls) fprintf(stderr, "%8zu %s\n", count, name.c_str());
    fprintf(stderr, "%8.1f MB at the peak\n", peak / 1e6);
  }
} report;

static float load(const void *from, int kind, size_t i) {
  if (kind == 0) return ((const float *)from)[i];
  return kind == 2 ? (float)((const __half *)from)[i] : (float)((const __nv_bfloat16 *)from)[i];
}
static void store(void *to, int kind, size_t i, float x) {
  if (kind == 0) ((float *)to)[i] = x;
  else if (kind == 2) ((__half *)to)[i] = x;
  else ((__nv_bfloat16 *)to)[i] = x;
}

enum { INVALID = 1, FULL = 2, NO_DEVICE = 101, NOT_FOUND = 500, BLAS_INVALID = 7 };
static int refuse(int error, const char *why) {
  fprintf(stderr, "the stand-in refuses: %s\n", why);
  return error;
}

extern "C" {
#define NOTHING(name) int name() { return 0; }
NOTHING(cuInit) NOTHING(cuCtxSetCurrent) NOTHING(cuCtxDestroy_v2) NOTHING(cuCtxSynchronize) NOTHING(cuDevicePrimaryCtxRelease_v2)
NOTHING(cuStreamSynchronize) NOTHING(cuStreamDestroy_v2) NOTHING(cuStreamWaitEvent) NOTHING(cuEventRecord) NOTHING(cuEventDestroy_v2)
NOTHING(cuEventSynchronize) NOTHING(cuModuleUnload) NOTHING(cuMemPoolSetAttribute) NOTHING(cuMemPoolTrimTo) NOTHING(cuFuncSetAttribute)
NOTHING(cublasDestroy_v2) NOTHING(cublasSetMathMode) NOTHING(cublasSetStream_v2) NOTHING(cublasSetWorkspace_v2) NOTHING(curandSetPseudoRandomGeneratorSeed)
NOTHING(curandSetStream) NOTHING(curandDestroyGenerator)
#define HANDLE(name) int name(void **handle) { *handle = (void *)1; return 0; }
HANDLE(cuDevicePrimaryCtxRetain) HANDLE(cuCtxGetCurrent) HANDLE(cuStreamCreate) HANDLE(cuEventCreate) HANDLE(cuDeviceGetDefaultMemPool)
HANDLE(cublasCreate_v2) HANDLE(curandCreateGenerator)
#define NOT_HERE(name) int name() { return refuse(INVALID, #name); }
NOT_HERE(cuMemcpyPeerAsync) NOT_HERE(cuModuleLoad) NOT_HERE(cuLaunchKernelEx) NOT_HERE(cublasDgemmStridedBatched)

int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return (size_t)ordinal < gpus ? 0 : NO_DEVICE; }
int cuDeviceGetCount(int *count) { *count = gpus; return 0; }
int cuDeviceGetName(char *name, int len, int) { strncpy(name, "stand-in", len); return 0; }
int cuDeviceGetAttribute(int *value, int, int) { *value = 1; return 0; }
int cuFuncGetAttribute(int *value, int, void *) { *value = 1024; return 0; }
int cuStreamIsCapturing(void *, int *status) { *status = 0; return 0; }
int cuGetErrorName(int error, const char **name) { *name = error == FULL ? "CUDA_ERROR_OUT_OF_MEMORY" : "the stand-in says no"; return 0; }
int cuGetErrorString(int error, const char **text) { *text = error == FULL ? "out of memory" : "the stand-in says no"; return 0; }

// Memory that is fresh, or was given back, holds no numbers.
int cuMemAllocAsync(void **to, size_t size, void *) {
  Turn mine(turn);
  if (used + size > memory * gpus) return FULL;
  *to = mmap(nullptr, std::max<size_t>(size, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (*to == MAP_FAILED) return FULL;
  if (!idle) memset(*to, 0xFF, size);
  rooms[*to] = size;
  used += size;
  peak = std::max(peak, used);
  return 0;
}
int cuMemFreeAsync(void *room, void *) {
  Turn mine(turn);
  if (!room) return 0;
  used -= rooms[room];
  munmap(room, std::max<size_t>(rooms[room], 1));
  rooms.erase(room);
  return 0;
}
int cuMemAlloc_v2(void **to, size_t size) { return cuMemAllocAsync(to, size, nullptr); }
int cuMemFree_v2(void *room) { return cuMemFreeAsync(room, nullptr); }
int cuMemGetInfo_v2(size_t *free, size_t *total) { *total = memory; *free = memory - std::min(used, memory); return 0; }
int cuMemPoolGetAttribute(void *, int attribute, uint64_t *value) {
  const int USED_HIGH = 8;
  *value = attribute == USED_HIGH ? peak : used;
  return 0;
}
int cuMemsetD8Async(void *to, unsigned char value, size_t size, void *) { if (!idle) memset(to, value, size); return 0; }
int cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t size, void *) { if (!idle) memcpy(to, from, size); return 0; }
int cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t size, void *) { if (!idle) memmove(to, from, size); return 0; }
int cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t size, void *) { memcpy(to, from, size); return 0; }
int cuMemsetD8_v2(void *to, unsigned char value, size_t size) { return cuMemsetD8Async(to, value, size, nullptr); }
int cuMemcpyHtoD_v2(void *to, const void *from, size_t size) { return cuMemcpyHtoDAsync_v2(to, from, size, nullptr); }
int cuMemcpyDtoH_v2(void *to, const void *from, size_t size) { return cuMemcpyDtoHAsync_v2(to, from, size, nullptr); }

// A module is known by a kernel of it that no other has.
int cuModuleLoadData(void **module, const void *ptx) {
  for (auto &[name, kernels] : modules())
    if (strstr((const char *)ptx, (".entry " + kernels.begin()->first + "(").c_str())) {
      *module = &kernels;
      return 0;
    }
  return refuse(NOT_FOUND, "a module of unknown kernels");
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
  auto found = ((Module *)module)->find(name);
  if (found == ((Module *)module)->end()) return refuse(NOT_FOUND, name);
  *function = &*found;
  return 0;
}
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned x, unsigned y, unsigned z, unsigned shared, void *,
                   void **given, void **) {
  Turn mine(turn);
  auto &[name, call] = *(Module::value_type *)function;
  bool fits = gx && gy && gz && gx < 1u << 31 && gy < 1 << 16 && gz < 1 << 16 && x * y * z <= 1024 && shared <= sizeof dynamic_memory;
  if (!fits) return refuse(INVALID, name.c_str());
  calls[name]++;
  if (idle) return 0;
  gridDim = {gx, gy, gz};
  blockDim = {x, y, z};
  kernel = call;
  arguments = given;
  for (blockIdx.z = 0; blockIdx.z < gz; blockIdx.z++)
    for (blockIdx.y = 0; blockIdx.y < gy; blockIdx.y++)
      for (blockIdx.x = 0; blockIdx.x < gx; blockIdx.x++) run_block(x * y * z);
  return 0;
}

// Matrices in columns; only sums in f32.
int cublasGemmStridedBatchedEx(void *, int turn_a, int turn_b, int m, int n, int k, const float *alpha, const void *a, int kind_a, int lda,
                               long long step_a, const void *b, int kind_b, int ldb, long long step_b, const float *beta, void *c,
                               int kind_c, int ldc, long long step_c, int batch, int compute, int) {
  Turn mine(turn);
  const int F32 = 68;
  if (compute != F32 || lda < (turn_a ? k : m) || ldb < (turn_b ? n : k) || ldc < m) return refuse(BLAS_INVALID, "a product");
  calls["product"]++;
  if (idle) return 0;
  std::vector<float> left(size_t(m) * k), line(m);
  for (int s = 0; s < batch; s++) {
    for (int p = 0; p < k; p++)
      for (int i = 0; i < m; i++) left[size_t(p) * m + i] = load(a, kind_a, s * step_a + (turn_a ? size_t(i) * lda + p : size_t(p) * lda + i));
    for (int j = 0; j < n; j++) {
      std::fill(line.begin(), line.end(), 0.0f);
      for (int p = 0; p < k; p++) {
        float x = load(b, kind_b, s * step_b + (turn_b ? size_t(p) * ldb + j : size_t(j) * ldb + p));
        for (int i = 0; i < m; i++) line[i] += left[size_t(p) * m + i] * x;
      }
      for (int i = 0; i < m; i++) {
        size_t at = s * step_c + size_t(j) * ldc + i;
        store(c, kind_c, at, *alpha * line[i] + (*beta != 0 ? *beta * load(c, kind_c, at) : 0));
      }
    }
  }
  return 0;
}
}
