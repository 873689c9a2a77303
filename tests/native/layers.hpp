// Random layers of whole numbers, in arrays of exact size, and what plain loops make of them.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "api.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) (static_cast<void>(at), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) (static_cast<void>(at), static_cast<void>(size))
#endif

namespace tconv::test {

class Random {
  public:
    explicit Random(uint64_t seed) : engine_(seed) {}
    int64_t operator()(int64_t least, int64_t most) {
        return std::uniform_int_distribution<int64_t>(least, most)(engine_);
    }
    bool one_in(int64_t n) { return (*this)(1, n) == 1; }

  private:
    std::mt19937_64 engine_;
};

// So many cells and not one more, from any aligned place on.
template <class T>
class Exact {
  public:
    Exact() = default;
    Exact(int64_t size, Random& random)
        : size_(size), before_(random(0, 15)), memory_(new T[before_ + size]) {
        ASAN_POISON_MEMORY_REGION(memory_.get(), before_ * sizeof(T));
    }
    // A copy that may be gone, and is then poison, while the first is there.
    Exact(const Exact& other, Random& random) : Exact(other.size_, random) {
        std::copy_n(other.data(), size_, data());
    }
    Exact(Exact&&) = default;
    Exact& operator=(Exact&&) = default;
    ~Exact() {
        if (memory_) ASAN_UNPOISON_MEMORY_REGION(memory_.get(), before_ * sizeof(T));
    }

    T* data() { return memory_ ? memory_.get() + before_ : nullptr; }
    const T* data() const { return memory_ ? memory_.get() + before_ : nullptr; }
    int64_t size() const { return size_; }
    T& operator[](int64_t i) { return data()[i]; }
    const T& operator[](int64_t i) const { return data()[i]; }
    void fill(T value) { std::fill_n(data(), size_, value); }

  private:
    int64_t size_ = 0, before_ = 0;
    std::unique_ptr<T[]> memory_;
};

constexpr int64_t largest = 4;            // of the numbers in the arrays
constexpr int64_t most_products = 150000;  // of one call

struct Case {
    Layer layer;
    Shape shape;

    int64_t cells(const int64_t* sizes) const { return sizes[0] * sizes[1] * sizes[2]; }
    int64_t inputs() const { return shape.batch * layer.in_channels * cells(shape.input); }
    int64_t outputs() const { return shape.batch * layer.out_channels * cells(shape.output); }
    int64_t taps() const {
        return layer.axes[0].kernel * layer.axes[1].kernel * layer.axes[2].kernel;
    }
    int64_t weights() const { return layer.in_channels * out_of_group() * taps(); }
    int64_t out_of_group() const { return layer.out_channels / layer.groups; }
    int64_t products() const { return inputs() * out_of_group() * taps(); }
    int64_t full(int a) const {
        const Axis& axis = layer.axes[a];
        return (shape.input[a] - 1) * axis.stride + axis.dilation * (axis.kernel - 1) + 1;
    }

    std::string words() const {
        std::ostringstream said;
        said << "batch " << shape.batch << ", groups " << layer.groups << ", channels "
             << layer.in_channels << " -> " << layer.out_channels
             << (layer.layout == Layout::channels_last ? " last" : " first") << ", activation "
             << static_cast<int>(layer.activation) << (layer.once ? ", once" : "");
        for (int a = 0; a < 3; ++a) {
            const Axis& axis = layer.axes[a];
            said << "; i" << shape.input[a] << " k" << axis.kernel << " s" << axis.stride << " d"
                 << axis.dilation << " c" << shape.crop[a] << " o" << shape.output[a];
        }
        return said.str();
    }
};

// Calls f(x's cell, weight's cell, y's cell) for each product there is.
template <class F>
void each_product(const Case& given, F f) {
    const Layer& l = given.layer;
    const Shape& s = given.shape;
    const bool last = l.layout == Layout::channels_last;
    const auto at = [last](int64_t n, int64_t c, int64_t channels, const int64_t* i,
                           const int64_t* size) {
        const int64_t cell = (i[0] * size[1] + i[1]) * size[2] + i[2];
        const int64_t cells = size[0] * size[1] * size[2];
        return last ? (n * cells + cell) * channels + c : (n * channels + c) * cells + cell;
    };
    const int64_t in = l.in_channels / l.groups, out = given.out_of_group(), taps = given.taps();
    std::vector<std::array<int64_t, 2>> along[3];  // (i, o) of each kernel element that lands
    std::vector<int64_t> element[3];
    for (int a = 0; a < 3; ++a)
        for (int64_t k = 0; k < l.axes[a].kernel; ++k)
            for (int64_t i = 0; i < s.input[a]; ++i) {
                const int64_t o = i * l.axes[a].stride + k * l.axes[a].dilation - s.crop[a];
                if (o < 0 || o >= s.output[a]) continue;
                along[a].push_back({i, o});
                element[a].push_back(k);
            }
    for (size_t p = 0; p < along[0].size(); ++p)
        for (size_t q = 0; q < along[1].size(); ++q)
            for (size_t r = 0; r < along[2].size(); ++r) {
                const int64_t i[3] = {along[0][p][0], along[1][q][0], along[2][r][0]};
                const int64_t o[3] = {along[0][p][1], along[1][q][1], along[2][r][1]};
                const int64_t k = (element[0][p] * l.axes[1].kernel + element[1][q]) *
                                      l.axes[2].kernel + element[2][r];
                for (int64_t n = 0; n < s.batch; ++n)
                    for (int64_t c = 0; c < l.in_channels; ++c)
                        for (int64_t m = 0; m < out; ++m)
                            f(at(n, c, l.in_channels, i, s.input), (c * out + m) * taps + k,
                              at(n, c / in * out + m, l.out_channels, o, s.output));
            }
}

inline void draw_axes(Case& given, Random& random) {
    const int rank = static_cast<int>(random(1, 3));
    const int64_t longest[] = {120, 22, 9}, kernels[] = {24, 7, 4}, strides[] = {20, 6, 4};
    const int64_t kind = random(0, 3);  // of three in four axes a phase has equally many taps
    for (int a = 3 - rank; a < 3; ++a) {
        Axis& axis = given.layer.axes[a];
        given.shape.input[a] = random(1, longest[rank - 1]);
        if (kind == 0) {
            axis.stride = random(1, strides[rank - 1]);
            axis.kernel = random(1, kernels[rank - 1]);
            axis.dilation = random(1, 3);
        } else {
            axis.stride = random(1, 3);
            axis.kernel = std::max<int64_t>(1, axis.stride * kind + (random.one_in(4) ? -1 : 0));
        }
        const int64_t reach = axis.dilation * (axis.kernel - 1);
        given.shape.crop[a] = random(-2, reach + 2);
        const int64_t past = random.one_in(12) ? random(0, 9) : random(-2, reach + 2);
        given.shape.output[a] = std::max<int64_t>(1, given.full(a) - given.shape.crop[a] - past);
        if (random.one_in(40)) given.shape.crop[a] = given.full(a) + random(0, 3);
    }
}

inline void draw_channels(Case& given, Random& random) {
    Layer& l = given.layer;
    int64_t in = random(1, 6), out = random(1, 20);
    l.groups = random.one_in(2) ? 1 : random(2, 4);
    switch (random(0, 4)) {
        case 0: in = out = 1, l.groups = random(1, 40); break;       // depthwise
        case 1: in = random(20, 40), out = random(20, 70); break;    // wide
        case 2: in = random(200, 320), out = random(1, 3); break;    // sums that are cut
        default: break;
    }
    l.in_channels = in * l.groups;
    l.out_channels = out * l.groups;
    given.shape.batch = random.one_in(3) ? random(2, 5) : 1;
}

inline Case draw(Random& random) {
    for (;;) {
        Case given;
        draw_axes(given, random);
        draw_channels(given, random);
        while (given.products() > most_products && given.shape.input[2] > 1) {
            for (int a = 0; a < 3; ++a) {
                const int64_t before = given.full(a);
                given.shape.input[a] = std::max<int64_t>(1, given.shape.input[a] * 2 / 3);
                const int64_t less = before - given.full(a);
                given.shape.output[a] = std::max<int64_t>(1, given.shape.output[a] - less);
            }
        }
        if (given.products() > 2 * most_products || given.outputs() > most_products) continue;
        const Activation exact[] = {Activation::none, Activation::relu, Activation::leaky_relu};
        given.layer.activation = exact[random(0, 2)];
        given.layer.alpha = 0.25;
        given.layer.once = random.one_in(3);
        given.layer.layout = random.one_in(3) ? Layout::channels_last : Layout::channels_first;
        return given;
    }
}

// Puts NaN and infinities into one or two cells.
template <class T>
void spoil(Exact<T>& array, Random& random) {
    const T infinity = std::numeric_limits<T>::infinity();
    const T kinds[] = {std::numeric_limits<T>::quiet_NaN(), infinity, -infinity};
    for (int64_t left = array.size() ? random(1, 2) : 0; left > 0; --left)
        array[random(0, array.size() - 1)] = kinds[random(0, 2)];
}

// The arrays of a case, and what they make: whole numbers, or quarters below zero if leaky. Some
// inputs and weights are not finite.
template <class T>
struct Arrays {
    Arrays(const Case& given, Random& random)
        : x(given.inputs(), random), weight(given.weights(), random), expected(given.outputs(), random) {
        for (Exact<T>* one : {&x, &weight})
            for (int64_t i = 0; i < one->size(); ++i)
                (*one)[i] = static_cast<T>(random(-largest, largest));
        spoilt_x = random.one_in(4);
        spoilt_weight = random.one_in(12);
        if (spoilt_x) spoil(x, random);
        if (spoilt_weight) spoil(weight, random);
        expected.fill(0);
        each_product(given, [&](int64_t i, int64_t k, int64_t o) { expected[o] += x[i] * weight[k]; });
        if (!random.one_in(3)) {
            bias = Exact<T>(given.layer.out_channels, random);
            for (int64_t c = 0; c < bias.size(); ++c) bias[c] = static_cast<T>(random(-9, 9));
        }
        const bool last = given.layer.layout == Layout::channels_last;
        const int64_t channels = given.layer.out_channels, cells = given.cells(given.shape.output);
        for (int64_t o = 0; o < expected.size(); ++o) {
            T& y = expected[o];
            if (bias.data()) y += bias[last ? o % channels : o / cells % channels];
            if (y < 0 && given.layer.activation == Activation::relu) y = 0;
            if (y < 0 && given.layer.activation == Activation::leaky_relu) y *= T(0.25);
        }
    }

    Exact<T> x, weight, bias, expected;
    bool spoilt_x, spoilt_weight;
};

// The way back through a layer: from gradients y to those of its input and of its weight.
template <class T>
struct Backward {
    Backward(const Case& given, const Arrays<T>& arrays, Random& random)
        : y(given.outputs(), random), bias(given.layer.in_channels, random),
          input(given.inputs(), random), weight(given.weights(), random) {
        for (Exact<T>* one : {&y, &bias})
            for (int64_t i = 0; i < one->size(); ++i)
                (*one)[i] = static_cast<T>(random(-largest, largest));
        const int64_t cells = given.cells(given.shape.input);
        for (int64_t i = 0; i < input.size(); ++i)
            input[i] = bias[i / cells % given.layer.in_channels];
        weight.fill(0);
        each_product(given, [&](int64_t i, int64_t k, int64_t o) {
            input[i] += y[o] * arrays.weight[k];
            weight[k] += y[o] * arrays.x[i];
        });
    }

    Exact<T> y, bias, input, weight;
};

// Tasks shared by threads of their own, so that each thread's workspace begins anew.
inline Parallel fresh_threads(int threads) {
    return [threads](int64_t tasks, const std::function<void(int64_t)>& body) {
        std::atomic<int64_t> next{0};
        std::vector<std::thread> crew;
        for (int64_t i = 0; i < std::min<int64_t>(threads, tasks); ++i)
            crew.emplace_back([&] {
                for (int64_t task; (task = next++) < tasks;) body(task);
            });
        for (auto& one : crew) one.join();
    };
}

template <class T>
std::unique_ptr<Plan<T>> plan(const Target& target, const Layer& layer, const Arrays<T>& arrays) {
    const T* bias = arrays.bias.data();
    if constexpr (sizeof(T) == sizeof(float))
        return target.plan_f32(layer, arrays.weight.data(), bias);
    else
        return target.plan_f64(layer, arrays.weight.data(), bias);
}

template <class T>
std::unique_ptr<Packed<T>> adjoint(const Target& target, const Layer& layer, const T* weight,
                                   const T* bias) {
    if constexpr (sizeof(T) == sizeof(float))
        return target.adjoint_f32(layer, weight, bias);
    else
        return target.adjoint_f64(layer, weight, bias);
}

template <class T>
void gradient(const Target& target, const Case& given, const T* x, const T* y, T* weight,
              const Parallel& parallel) {
    if constexpr (sizeof(T) == sizeof(float))
        target.gradient_f32(given.layer, given.shape, x, y, weight, parallel);
    else
        target.gradient_f64(given.layer, given.shape, x, y, weight, parallel);
}

inline Method methods_of(const Target& target) { return static_cast<Method>(target.algorithms.size()); }

// Whole numbers leave no room for rounding, but to Winograd, whose transforms hold fractions.
inline double rounding_of(const Target& target, Method method) {
    if (method == automatic) return 0;
    const std::string name = target.algorithms[static_cast<size_t>(method - 1)].name;
    return name.rfind("winograd", 0) == 0 ? 0.1 : 0;
}

// The first cell that differs by more than rounding, in words.
template <class T>
std::string difference(const Exact<T>& made, const Exact<T>& expected, double rounding) {
    for (int64_t o = 0; o < made.size(); ++o) {
        const bool finite = std::isfinite(expected[o]);
        if (!finite && (made[o] == expected[o] || (std::isnan(made[o]) && std::isnan(expected[o]))))
            continue;
        if (!finite || !(std::abs(static_cast<double>(made[o] - expected[o])) <= rounding)) {
            std::ostringstream said;
            said << "cell " << o << " of " << made.size() << " is " << made[o] << ", not "
                 << expected[o];
            return said.str();
        }
    }
    return {};
}

}  // namespace tconv::test
