// What the algorithms share that multiply sums of inputs, Winograd's and Strassen's. A NaN or an
// infinity would reach every output that is computed from such a sum, and large numbers overflow in
// it: the positions whose inputs are not all of ordinary size are computed again by the definition.
#pragma once

#include <algorithm>
#include <limits>
#include <mutex>
#include <vector>

#include "algorithms/definition.hpp"
#include "once.hpp"

namespace tconv::TCONV_TARGET {

// Whether a sum of squares tells that all numbers in it are finite, and that no product of a sum of
// them with ordinary weights overflows: their norm is below the root of the largest number.
template <class T>
TCONV_INLINE bool ordinary(T squares) {
    return squares <= std::numeric_limits<T>::max();
}

template <class T>
TCONV_INLINE bool ordinary(typename Lanes<T>::V squares) {
    bool all = true;
    for (int i = 0; i < Lanes<T>::count; ++i) all = all && ordinary<T>(squares[i]);
    return all;
}

// Patches of positions to compute again, which threads add as they find them.
class Patches {
  public:
    void add(const std::vector<Patch>& some) {
        if (some.empty()) return;
        const std::lock_guard<std::mutex> lock(mutex_);
        patches_.insert(patches_.end(), some.begin(), some.end());
    }

    // Each once, as several threads may have found the same.
    const std::vector<Patch>& all() {
        std::sort(patches_.begin(), patches_.end());
        patches_.erase(std::unique(patches_.begin(), patches_.end()), patches_.end());
        return patches_;
    }

  private:
    std::mutex mutex_;
    std::vector<Patch> patches_;
};

template <class T>
class Combining : public Packed<T> {
  public:
    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const final {
        Patches again;
        combine(shape, x, y, threads, parallel, again);
        if (const std::vector<Patch>& patches = again.all(); !patches.empty())
            definition().run(shape, patches, x, y, parallel);
    }

  protected:
    Combining(const Layer& layer, const T* weight, const T* bias)
        : given_(layer), given_weight_(weight), given_bias_(bias) {}

    // Adds the positions that must be computed again to `again`, the same for any number of threads.
    virtual void combine(const Shape& shape, const T* x, T* y, int threads,
                         const Parallel& parallel, Patches& again) const = 0;

  private:
    const Definition<T>& definition() const {
        return definition_.get([&] { return make_definition(given_, given_weight_, given_bias_); });
    }

    Layer given_;
    const T* given_weight_;
    const T* given_bias_;
    mutable Once<Definition<T>> definition_;
};

}  // namespace tconv::TCONV_TARGET
