// A plan: chooses the method of a call by its cost, and packs the weights for a method when first taken.
#pragma once

#include "algorithms/definition.hpp"
#include "heuristics/costs.hpp"
#include "once.hpp"
#include "problem/weights.hpp"
#include "registry.hpp"

namespace tconv::TCONV_TARGET {

constexpr double little_work = 30000;  // vector multiply-adds, of a call that choosing may not delay

template <class T>
class LayerPlan final : public Plan<T> {
  public:
    LayerPlan(const Layer& layer, const T* weight, const T* bias)
        : layer_(layer), weight_(weight), bias_(bias), slots_(registry<T>().size() + 1) {
        int64_t count = layer.in_channels / layer.groups * layer.out_channels;
        for (const Axis& axis : layer.axes) count *= axis.kernel;
        weights_ = weights_of(weight, count);
        for (Method m = 1; m <= methods(); ++m)
            slot(m).unsupported_reason = unsupported_reason(algorithm(m));
        if (layer.method != automatic)
            if (const char* reason = slot(layer.method).unsupported_reason) throw Unsupported{reason};
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        packed(choose(shape)).run(shape, x, y, threads, parallel);
    }

    // By the work of one thread: the method, and so the rounding, is the same for any number.
    Method choose(const Shape& shape) const override {
        if (weights_ == Weights::not_finite) return automatic;
        if (layer_.method != automatic) return layer_.method;
        const uint64_t key = digest(shape);
        std::atomic<uint64_t>& memory = chosen_[key % remembered];
        const uint64_t kept = memory.load(std::memory_order_relaxed);
        if (kept >> method_bits == key) return static_cast<Method>(kept & ((1 << method_bits) - 1));
        Method best = automatic;
        double least = 0;
        for (Method m = 1; m <= methods(); ++m) {
            if (slot(m).unsupported_reason) continue;
            if (algorithm(m).combines && best && least < little_work) continue;
            const double now = operations(recipe(m).estimate(shape, 1), m, 1, layer_.once);
            if (best && now >= least) continue;
            least = now;
            best = m;
        }
        memory.store(key << method_bits | static_cast<uint64_t>(best), std::memory_order_relaxed);
        return best;
    }

    Estimate estimate(Method method, const Shape& shape, int threads) const override {
        Estimate all;
        all.unsupported_reason = slot(method).unsupported_reason;
        if (all.unsupported_reason) return all;
        all.cost = recipe(method).estimate(shape, threads);
        all.operations = operations(all.cost, method, threads, layer_.once);
        return all;
    }

  private:
    struct Slot {
        const char* unsupported_reason = nullptr;
        Once<Recipe<T>> recipe;
        Once<Packed<T>> packed;  // goes before the recipe, which it uses
    };

    static Method methods() { return static_cast<Method>(registry<T>().size()); }
    static const Algorithm<T>& algorithm(Method method) {
        return registry<T>()[static_cast<size_t>(method - 1)];
    }
    Slot& slot(Method method) const { return slots_[static_cast<size_t>(method)]; }

    const char* unsupported_reason(const Algorithm<T>& algorithm) const {
        if (algorithm.combines && layer_.direct)
            return "it multiplies sums of inputs, which direct arithmetic does not";
        if (algorithm.combines && weights_ == Weights::large)
            return "sums of weights as large as these may overflow";
        return algorithm.unsupported_reason(layer_);
    }

    const Recipe<T>& recipe(Method method) const {
        return slot(method).recipe.get([&] { return algorithm(method).recipe(layer_); });
    }

    const Packed<T>& packed(Method method) const {
        return slot(method).packed.get([&] {
            if (method != automatic) return recipe(method).pack(weight_, bias_);
            return std::unique_ptr<Packed<T>>(make_definition(layer_, weight_, bias_));
        });
    }

    // FNV-1a, short of the bits that name a method.
    static uint64_t digest(const Shape& shape) {
        uint64_t h = 14695981039346656037u;
        const auto add = [&](int64_t v) { h = (h ^ static_cast<uint64_t>(v)) * 1099511628211u; };
        add(shape.batch);
        for (int a = 0; a < 3; ++a) {
            add(shape.input[a]);
            add(shape.crop[a]);
            add(shape.output[a]);
        }
        return (h ^ h >> 32) << method_bits >> method_bits;
    }

    Layer layer_;
    const T* weight_;
    const T* bias_;
    Weights weights_;
    mutable std::vector<Slot> slots_;  // by method
    static constexpr uint64_t remembered = 128;
    static constexpr int method_bits = 5;
    mutable std::atomic<uint64_t> chosen_[remembered] = {};  // digests of shapes, and their methods
};

}  // namespace tconv::TCONV_TARGET
