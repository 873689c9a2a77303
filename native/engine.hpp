// What the kernels of every target offer, and what they are given. Nothing here knows of Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace tconv {

// One spatial axis as the weights fix it. A layer of fewer than three axes has leading ones of 1.
struct Axis {
    int64_t kernel = 1, stride = 1, dilation = 1;
};

enum class Activation : int { none, relu, leaky_relu, tanh, sigmoid, gelu, silu };

// A layer: everything that does not depend on the size of an input. Channels are totals.
struct Layer {
    int64_t groups = 1, in_channels = 1, out_channels = 1;
    Axis axes[3];
    Activation activation = Activation::none;
    double alpha = 0;
    bool once = false;  // packed for a single call: weights are not worth transforming
};

// The size of one call: y[o] = sum of x[i]·w[k] over i·s + k·d - crop = o, 0 <= o < output.
struct Shape {
    int64_t batch = 0, input[3] = {1, 1, 1}, crop[3] = {0, 0, 0}, output[3] = {1, 1, 1};
};

// Thrown where memory for packed weights or a workspace is refused.
struct OutOfMemory {};

// Runs body(task) for every task in [0, tasks), claimed in turn by the threads of the pool.
using Parallel = std::function<void(int64_t tasks, const std::function<void(int64_t)>& body)>;

// Weights packed once for one target; serves any input size, from any thread.
template <class T>
class Packed {
  public:
    virtual ~Packed() = default;
    // x: (N, C_in, *input), y: (N, C_out, *output), both contiguous.
    virtual void run(const Shape& shape, const T* x, T* y, int threads,
                     const Parallel& parallel) const = 0;
};

// One target's kernels: the same source compiled with that target's flags.
struct Target {
    const char* name;
    int lanes;  // of float32
    // weight: (C_in, C_out/groups, *kernel) contiguous; bias: (C_out) or null.
    std::unique_ptr<Packed<float>> (*pack_f32)(const Layer&, const float* weight, const float* bias);
    std::unique_ptr<Packed<double>> (*pack_f64)(const Layer&, const double* weight,
                                                const double* bias);
};

// Defined in kernels.cpp, once a target: target_baseline(), target_avx2(), target_avx512(), ...
// Which of them a build has is told by the macros TCONV_HAS_AVX2, TCONV_HAS_AVX512, TCONV_HAS_NEON.
const Target& target_baseline();
const Target& target_avx2();
const Target& target_avx512();

}  // namespace tconv
