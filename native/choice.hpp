// Chooses the method of a call by its cost, and packs the weights for a method when first taken.
#pragma once

#include <atomic>

#include "channels.hpp"
#include "combining.hpp"
#include "cost.hpp"
#include "depthwise.hpp"
#include "positions.hpp"
#include "strassen.hpp"
#include "streaming.hpp"
#include "winograd.hpp"
#include "winograd_channels.hpp"

namespace tconv::TCONV_TARGET {

constexpr double little_work = 30000;  // vector multiply-adds, of a call that choosing may not delay

template <class T>
class Choice final : public Chosen<T> {
  public:
    Choice(const Layer& layer, const T* weight, const T* bias)
        : layer_(layer), weight_(weight), bias_(bias) {
        int64_t count = layer.in_channels / layer.groups * layer.out_channels;
        for (const Axis& axis : layer.axes) count *= axis.kernel;
        weights_ = weights_of(weight, count);
        for (int m = 1; m < methods; ++m) refusal_[m] = refusal(static_cast<Method>(m));
        if (layer.method != Method::automatic)
            if (const char* why = refusal_[static_cast<int>(layer.method)]) throw Refused{why};
    }

    ~Choice() override {
        for (auto& slot : packed_) delete slot.load();
    }

    void run(const Shape& shape, const T* x, T* y, int threads,
             const Parallel& parallel) const override {
        packed(choose(shape)).run(shape, x, y, threads, parallel);
    }

    // By the work of one thread: the method, and so the rounding, is the same for any number.
    Method choose(const Shape& shape) const override {
        if (weights_ == Weights::not_finite) return Method::automatic;
        if (layer_.method != Method::automatic) return layer_.method;
        const uint64_t key = digest(shape);
        std::atomic<uint64_t>& slot = chosen_[key % remembered];
        const uint64_t kept = slot.load(std::memory_order_relaxed);
        if (kept / methods == key) return static_cast<Method>(kept % methods);
        Method best = Method::positions;
        double least = -1;
        for (const Method m : {Method::positions, Method::channels, Method::streaming,
                               Method::strassen, Method::winograd, Method::winograd_channels}) {
            if (refusal_[static_cast<int>(m)]) continue;
            if (combines(m) && least >= 0 && least < little_work) continue;
            const double now = operations(cost(m, shape, 1), 1, layer_.once);
            if (least >= 0 && now >= least) continue;
            least = now;
            best = m;
        }
        slot.store(key * methods + static_cast<uint64_t>(best), std::memory_order_relaxed);
        return best;
    }

    Prospect prospect(Method method, const Shape& shape, int threads) const override {
        Prospect all;
        all.refusal = refusal_[static_cast<int>(method)];
        if (all.refusal) return all;
        all.cost = cost(method, shape, threads);
        all.operations = operations(all.cost, threads, layer_.once);
        return all;
    }

  private:
    // Whether a method derives from Combining: to count its operations takes long, too.
    static bool combines(Method method) {
        return method == Method::winograd || method == Method::winograd_channels ||
               method == Method::strassen;
    }

    // What `ask` says of the class that does a method.
    template <class Ask>
    auto by(Method method, Ask ask) const {
        switch (method) {
            case Method::winograd: return ask(Of<Winograd<T>>());
            case Method::winograd_channels: return ask(Of<WinogradChannels<T>>());
            case Method::channels:
                if (Depthwise<T>::takes(layer_)) return ask(Of<Depthwise<T>>());
                return ask(Of<Channels<T>>());
            case Method::streaming: return ask(Of<Streaming<T>>());
            case Method::strassen: return ask(Of<Strassen<T>>());
            default: return ask(Of<Positions<T>>());
        }
    }
    template <class Class>
    struct Of {
        typedef Class type;
    };

    const char* refusal(Method method) const {
        if (combines(method) && layer_.direct)
            return "it multiplies sums of inputs, which direct arithmetic does not";
        if (combines(method) && weights_ == Weights::large)
            return "sums of weights as large as these may overflow";
        return by(method, [&](auto of) { return decltype(of)::type::refusal(layer_); });
    }

    Cost cost(Method method, const Shape& shape, int threads) const {
        return by(method, [&](auto of) { return decltype(of)::type::cost(layer_, shape, threads); });
    }

    std::unique_ptr<Packed<T>> pack(Method method) const {
        if (method == Method::automatic)
            return std::make_unique<Definition<T>>(layer_, weight_, bias_);
        return by(method, [&](auto of) {
            return std::unique_ptr<Packed<T>>(new typename decltype(of)::type(layer_, weight_, bias_));
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
        return (h ^ h >> 32) / methods;
    }

    // Two callers may pack at once; what the second made is dropped. No lock, so that a child of
    // fork() never finds one held.
    const Packed<T>& packed(Method method) const {
        std::atomic<Packed<T>*>& slot = packed_[static_cast<int>(method)];
        if (Packed<T>* made = slot.load(std::memory_order_acquire)) return *made;
        std::unique_ptr<Packed<T>> made = pack(method);
        Packed<T>* before = nullptr;
        if (slot.compare_exchange_strong(before, made.get(), std::memory_order_acq_rel))
            return *made.release();
        return *before;
    }

    Layer layer_;
    const T* weight_;
    const T* bias_;
    Weights weights_;
    const char* refusal_[methods] = {};
    static constexpr uint64_t remembered = 128;
    mutable std::atomic<uint64_t> chosen_[remembered] = {};  // digests of shapes, and their methods
    mutable std::atomic<Packed<T>*> packed_[methods] = {};
};

}  // namespace tconv::TCONV_TARGET
