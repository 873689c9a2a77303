// The algorithms, in the order in which they are tried. Each is defined in algorithms/, in a source of
// its own; to add one, declare it here and put it into the list.
#pragma once

#include <memory>
#include <vector>

#include "simd/lanes.hpp"

namespace tconv::TCONV_TARGET {

// One layer as an algorithm does it: everything that needs neither weights nor the size of an input.
template <class T>
class Recipe {
  public:
    virtual ~Recipe() = default;
    virtual Cost estimate(const Shape& shape, int threads) const = 0;
    // What is returned may use the recipe, the weight and the bias as long as it lives.
    virtual std::unique_ptr<Packed<T>> pack(const T* weight, const T* bias) const = 0;
};

template <class T>
struct Algorithm {
    const char* name;
    bool combines;  // multiplies sums of inputs: see algorithms/combining.hpp
    const char* (*unsupported_reason)(const Layer&);  // a sentence, or null
    std::unique_ptr<Recipe<T>> (*recipe)(const Layer&);
};

template <class T, class R>
std::unique_ptr<Recipe<T>> make_recipe(const Layer& layer) {
    return std::make_unique<R>(layer);
}

// An algorithm that combines inputs; only where it is worth compiling.
template <class T, class R>
Algorithm<T> combining_algorithm(const char* name) {
#ifdef TCONV_DIRECT_ONLY
    constexpr bool compiled = false;
#else
    constexpr bool compiled = true;
#endif
    if constexpr (compiled)
        return {name, true, R::unsupported_reason, make_recipe<T, R>};
    else
        return {name, true, [](const Layer&) { return "not compiled for this target"; }, nullptr};
}

// Those that multiply inputs and weights as they are come first: see `little_work` in plan.hpp.
template <class T> Algorithm<T> positions_algorithm();
template <class T> Algorithm<T> channels_algorithm();
template <class T> Algorithm<T> depthwise_algorithm();
template <class T> Algorithm<T> streaming_algorithm();
template <class T> Algorithm<T> strassen_algorithm();
template <class T> Algorithm<T> winograd_algorithm();
template <class T> Algorithm<T> winograd_channels_algorithm();

template <class T>
const std::vector<Algorithm<T>>& registry() {
    static const std::vector<Algorithm<T>> all{
        positions_algorithm<T>(), channels_algorithm<T>(), depthwise_algorithm<T>(),
        streaming_algorithm<T>(), strassen_algorithm<T>(), winograd_algorithm<T>(),
        winograd_channels_algorithm<T>()};
    return all;
}

// Beside the registry: the two directions back.
template <class T>
std::unique_ptr<Packed<T>> make_convolution(const Layer& layer, const T* weight, const T* bias);
template <class T>
void weight_gradient(const Layer& layer, const Shape& shape, const T* x, const T* y, T* weight,
                     const Parallel& parallel);

}  // namespace tconv::TCONV_TARGET
