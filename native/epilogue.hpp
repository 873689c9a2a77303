// What is done to a sum when it is stored: its activation; and what an output is that no input
// reaches, its bias activated.
#pragma once

#include "simd/activations.hpp"

namespace tconv::TCONV_TARGET {

// relu is done in registers, as it costs nothing there; other activations on rows that are stored.
template <class T>
class Epilogue {
  public:
    explicit Epilogue(const Layer& layer) : activation_(layer.activation), alpha_(layer.alpha) {}

    bool relu() const { return activation_ == Activation::relu; }
    // Whether `finish` has nothing to do, so that what is stored may go past the caches.
    bool in_registers() const { return activation_ <= Activation::relu; }
    T of(T v) const { return activated<T>(activation_, alpha_, v); }
    void of(typename Lanes<T>::V& v) const { activate<T>(activation_, alpha_, v); }
    void finish(T* row, int64_t count) const {
        if (!in_registers()) activate_row(activation_, alpha_, row, count);
    }

  private:
    Activation activation_;
    double alpha_;
};

// One value an output channel.
template <class T>
Buffer<T> bias_or_zeros(const Layer& layer, const T* bias) {
    Buffer<T> values(layer.out_channels);
    for (int64_t c = 0; c < layer.out_channels; ++c) values.data()[c] = bias ? bias[c] : T(0);
    return values;
}

// Every output is what the bias alone makes it; those that inputs reach are written again.
template <class T>
void fill_with_bias(const Layer& layer, const Shape& shape, const T* bias, T* y,
                    const Parallel& parallel) {
    const int64_t cells = shape.output[0] * shape.output[1] * shape.output[2];
    const int64_t channels = layer.out_channels;
    Buffer<T> values(channels);
    T* const value = values.data();
    for (int64_t c = 0; c < channels; ++c) value[c] = activated(layer, bias[c]);
    parallel(shape.batch, [&, value](int64_t image) {
        T* to = y + image * channels * cells;
        if (layer.layout == Layout::channels_last)
            for (int64_t i = 0; i < cells; ++i)
                for (int64_t c = 0; c < channels; ++c) *to++ = value[c];
        else
            for (int64_t c = 0; c < channels; ++c)
                for (int64_t i = 0; i < cells; ++i) *to++ = value[c];
    });
}

// The same of `cells` pixels of some channels, whose biases are given, with channels last.
template <class T>
void fill_with_bias(const Layer& layer, const T* bias, int64_t channels, int64_t cells, T* y) {
    for (int64_t c = 0; c < channels; ++c) y[c] = activated(layer, bias[c]);
    for (int64_t i = channels; i < cells * channels; ++i) y[i] = y[i - channels];
}

}  // namespace tconv::TCONV_TARGET
