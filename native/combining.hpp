// What the methods share that multiply sums of inputs, Winograd's and Strassen's. A NaN or an infinity
// would reach every output that is made from such a sum, and large numbers overflow in it: the
// positions whose inputs are not all of ordinary size are computed again by the definition.
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "definition.hpp"

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

enum class Weights { ordinary, large, not_finite };

// Ordinary weights leave a factor of a million for the sums that are made of them, and of inputs.
template <class T>
Weights weights_of(const T* weight, int64_t count) {
    typedef typename Lanes<T>::V V;
    constexpr int64_t lanes = Lanes<T>::count;
    constexpr double most = sizeof(T) == 4 ? 1e25 : 1e290;
    V sums[4] = {};
    int64_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes)
        for (int j = 0; j < 4; ++j) {
            const V w = load<T>(weight + i + j * lanes);
            sums[j] += w * w;
        }
    const V sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    double squares = 0;
    for (int j = 0; j < lanes; ++j) squares += static_cast<double>(sum[j]);
    for (; i < count; ++i) squares += static_cast<double>(weight[i] * weight[i]);
    if (squares <= most) return Weights::ordinary;
    for (i = 0; i < count; ++i)
        if (!(weight[i] - weight[i] == T(0))) return Weights::not_finite;
    return Weights::large;
}

// Patches of positions that threads find, one after the other.
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
    ~Combining() override { delete definition_.load(); }

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

    // Also tells the positions that must be computed again. Which they are does not depend on threads.
    virtual void combine(const Shape& shape, const T* x, T* y, int threads,
                         const Parallel& parallel, Patches& again) const = 0;

  private:
    // Two callers may make it at once; what the second made is dropped.
    const Definition<T>& definition() const {
        if (Definition<T>* made = definition_.load(std::memory_order_acquire)) return *made;
        auto made = std::make_unique<Definition<T>>(given_, given_weight_, given_bias_);
        Definition<T>* before = nullptr;
        if (definition_.compare_exchange_strong(before, made.get(), std::memory_order_acq_rel))
            return *made.release();
        return *before;
    }

    Layer given_;
    const T* given_weight_;
    const T* given_bias_;
    mutable std::atomic<Definition<T>*> definition_{nullptr};
};

}  // namespace tconv::TCONV_TARGET
