// What the kernels of every target offer, and what they are given. Nothing here knows of Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tconv {

// One spatial axis as the weights fix it. A layer of fewer than three axes has leading ones of 1.
struct Axis {
    int64_t kernel = 1, stride = 1, dilation = 1;
};

enum class Activation : int { none, relu, leaky_relu, tanh, sigmoid, gelu, silu, count };

// A way to compute a layer: its place in the registry of algorithms, counted from 1. 0 is the one
// that costs least for the shape at hand.
typedef int Method;
constexpr Method automatic = 0;

// How arrays lie: (N, C, *spatial) or (N, *spatial, C).
enum class Layout : int { channels_first, channels_last };

// A layer: everything that does not depend on the size of an input. Channels are totals.
struct Layer {
    int64_t groups = 1, in_channels = 1, out_channels = 1;
    Axis axes[3];
    Activation activation = Activation::none;
    double alpha = 0;
    Layout layout = Layout::channels_first;
    Method method = automatic;
    bool once = false;  // packed for a single call, which pays for the packing too
    bool direct = false;  // every output is a sum of its own products and nothing else
};

// The size of one call: y[o] = sum of x[i]·w[k] over i·s + k·d - crop = o, 0 <= o < output.
struct Shape {
    int64_t batch = 0, input[3] = {1, 1, 1}, crop[3] = {0, 0, 0}, output[3] = {1, 1, 1};
};

// Thrown where memory for packed weights or a workspace is refused.
struct OutOfMemory {};

// Thrown where the method asked for does not do the layer, with the sentence that says why.
struct Unsupported {
    const char* reason;
};

// What a call costs by one method, all threads together, counted in vector operations.
struct Cost {
    double products = 0;  // multiply-adds
    double others = 0;    // loads, stores, shuffles and additions beside them
    double bytes = 0;     // moved to and from memory, beyond the caches
    double packing = 0;   // vector operations to make the weights ready, paid once
    int64_t tasks = 1;    // pieces that threads can take
};

// What a plan says of one method for one shape: a cost, or why it cannot.
struct Estimate {
    const char* unsupported_reason = nullptr;
    Cost cost;
    double operations = 0;  // of the slowest thread, in the time of one multiply-add
};

// Runs body(task) for every task in [0, tasks), claimed in turn by the threads of the pool.
using Parallel = std::function<void(int64_t tasks, const std::function<void(int64_t)>& body)>;

// Weights packed once for one target; serves any input size, from any thread.
template <class T>
class Packed {
  public:
    virtual ~Packed() = default;
    // x: (N, C_in, *input), y: (N, C_out, *output), or channels last; both contiguous.
    virtual void run(const Shape& shape, const T* x, T* y, int threads,
                     const Parallel& parallel) const = 0;
};

// A layer whose method is chosen by the shape; each method packs the weights when first taken.
template <class T>
class Plan : public Packed<T> {
  public:
    // 0 where weights are not finite: then by the definition, product by product.
    virtual Method choose(const Shape& shape) const = 0;
    virtual Estimate estimate(Method method, const Shape& shape, int threads) const = 0;
};

// An entry of the registry, as callers see it.
struct AlgorithmInfo {
    const char* name;
    bool combines;          // multiplies sums of inputs
    double product, other;  // what the cost model takes these operations for
};

// One target's kernels: the same source compiled with that target's flags.
struct Target {
    const char* name;
    int lanes;  // of float32
    std::vector<AlgorithmInfo> algorithms;  // the same for every target: method m is [m - 1]
    double bytes_per_operation;  // the same, of memory
    // weight: (C_in, C_out/groups, *kernel) contiguous; bias: (C_out) or null. Both stay as they
    // are, and where they are, while what is returned lives. Throws Unsupported.
    std::unique_ptr<Plan<float>> (*plan_f32)(const Layer&, const float* weight, const float* bias);
    std::unique_ptr<Plan<double>> (*plan_f64)(const Layer&, const double* weight,
                                              const double* bias);
    // The direct convolution by the same weight: what is returned takes y and fills x, to which
    // a bias (C_in) is added. The arrays may go once it is there.
    std::unique_ptr<Packed<float>> (*adjoint_f32)(const Layer&, const float* weight,
                                                  const float* bias);
    std::unique_ptr<Packed<double>> (*adjoint_f64)(const Layer&, const double* weight,
                                                   const double* bias);
    // Fills the gradient with respect to the weight from x and the gradient with respect to y.
    void (*gradient_f32)(const Layer&, const Shape&, const float* x, const float* y, float* weight,
                         const Parallel&);
    void (*gradient_f64)(const Layer&, const Shape&, const double* x, const double* y,
                         double* weight, const Parallel&);
    // Vector multiply-adds that one thread does in a second, measured in about a millisecond.
    double (*speed)();
};

// Defined in target.cpp, once a target: target_baseline(), target_avx2(), target_avx512().
// Which of them a build has is told by the macros TCONV_HAS_AVX2 and TCONV_HAS_AVX512.
const Target& target_baseline();
const Target& target_avx2();
const Target& target_avx512();

}  // namespace tconv
