// The layer by its definition: every output is the sum of the products of an input and a kernel
// element that exist, and nothing else. Slower than the other methods, it computes what they cannot:
// weights that are not finite, which must not meet the zeros of a padding, and the outputs of inputs
// that are not finite, which must not be combined with their neighbours.
#pragma once

#include <memory>
#include <tuple>
#include <vector>

#include "simd/lanes.hpp"

namespace tconv::TCONV_TARGET {

// Positions q of one image and group: all outputs o = q·s + phase - crop that they have.
struct Patch {
    int64_t image, group, first[3], count[3];
    bool operator<(const Patch& other) const { return key() < other.key(); }
    bool operator==(const Patch& other) const { return key() == other.key(); }

  private:
    std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t> key() const {
        return {image, group, first[0], first[1], first[2]};
    }
};

template <class T>
class Definition : public Packed<T> {
  public:
    using Packed<T>::run;
    // The outputs of some patches alone.
    virtual void run(const Shape& shape, const std::vector<Patch>& patches, const T* x, T* y,
                     const Parallel& parallel) const = 0;
};

// What is returned copies the weight and the bias.
template <class T>
std::unique_ptr<Definition<T>> make_definition(const Layer& layer, const T* weight, const T* bias);

}  // namespace tconv::TCONV_TARGET
