#include "algorithms/definition.hpp"

#include <algorithm>

#include "problem/parts.hpp"

namespace tconv::TCONV_TARGET {

constexpr int64_t definition_vectors = 4;  // output channels summed at once

template <class T>
class PackedDefinition final : public Definition<T>, Parts<T> {
    typedef Parts<T> Base;
    typedef typename Lanes<T>::V V;
    using Base::axes_, Base::bias_, Base::in_, Base::layer_, Base::out_, Base::phase_groups_;
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    PackedDefinition(const Layer& layer, const T* weight, const T* bias) : Base(layer, bias) {
        wide_ = ceil_div(out_, lanes) * lanes;
        kernel_ = layer.axes[0].kernel * layer.axes[1].kernel * layer.axes[2].kernel;
        pack(weight);
    }

    void run(const Shape& shape, const T* x, T* y, int, const Parallel& parallel) const override {
        const Range range = range_of(layer_, axes_, shape);
        if (!range.whole) fill_with_bias(layer_, shape, bias_.data(), y, parallel);
        const int64_t rows = range.count[0] * range.count[1];
        if (range.count[2] == 0) return;
        parallel(shape.batch * layer_.groups * rows, [&](int64_t task) {
            const int64_t row = task % rows, image = task / rows;
            compute(shape, {image / layer_.groups, image % layer_.groups,
                            {range.first[0] + row / range.count[1],
                             range.first[1] + row % range.count[1], range.first[2]},
                            {1, 1, range.count[2]}},
                    x, y);
        });
    }

    void run(const Shape& shape, const std::vector<Patch>& patches, const T* x, T* y,
             const Parallel& parallel) const override {
        parallel(count_of(patches), [&](int64_t task) {
            compute(shape, patches[static_cast<size_t>(task)], x, y);
        });
    }

  private:
    // [group][kernel element][input channel][output channel]
    void pack(const T* weight) {
        T* to = packed_.grow(layer_.groups * kernel_ * in_ * wide_ + definition_vectors * lanes);
        std::fill_n(to, layer_.groups * kernel_ * in_ * wide_, T(0));
        for (int64_t g = 0; g < layer_.groups; ++g)
            for (int64_t c = 0; c < in_; ++c)
                for (int64_t o = 0; o < out_; ++o)
                    for (int64_t k = 0; k < kernel_; ++k)
                        to[((g * kernel_ + k) * in_ + c) * wide_ + o] = *weight++;
    }

    void compute(const Shape& shape, const Patch& patch, const T* x, T* y) const {
        int64_t q[3];
        for (q[0] = patch.first[0]; q[0] < patch.first[0] + patch.count[0]; ++q[0])
            for (q[1] = patch.first[1]; q[1] < patch.first[1] + patch.count[1]; ++q[1])
                for (q[2] = patch.first[2]; q[2] < patch.first[2] + patch.count[2]; ++q[2])
                    for (int64_t p = 0; p < count_of(phase_groups_); ++p)
                        compute(shape, patch.image, patch.group, q, phase_groups_[p], x, y);
    }

    // The phases of a part at one position: they read the same cells.
    void compute(const Shape& shape, int64_t image, int64_t group, const int64_t* q,
                 const PhaseGroup& part, const T* x, T* y) const {
        thread_local Buffer<T> cells;
        thread_local std::vector<int64_t> taps;  // that read a cell of the input
        const bool last = layer_.layout == Layout::channels_last;
        const int64_t *const in = shape.input, *const out = shape.output;
        const int64_t all = in[0] * in[1] * in[2], step = last ? 1 : all;
        cells.grow(part.taps * in_);
        taps.clear();
        for (int64_t tap = 0; tap < part.taps; ++tap) {
            int64_t left = tap, cell[3];
            bool inside = true;
            for (int a = 2; a >= 0; --a) {
                const std::vector<int64_t>& offsets = part.axes[a]->offsets;
                cell[a] = q[a] - offsets[static_cast<size_t>(left % count_of(offsets))];
                left /= count_of(offsets);
                inside = inside && cell[a] >= 0 && cell[a] < in[a];
            }
            if (!inside) continue;
            const int64_t at = (cell[0] * in[1] + cell[1]) * in[2] + cell[2];
            const T* const from = last ? x + (image * all + at) * layer_.in_channels + group * in_
                                       : x + (image * layer_.in_channels + group * in_) * all + at;
            T* const to = cells.data() + count_of(taps) * in_;
            for (int64_t c = 0; c < in_; ++c) to[c] = from[c * step];
            taps.push_back(tap);
        }
        for (int64_t phase = 0; phase < part.phases; ++phase) {
            int64_t left = phase, o[3];
            bool inside = true;
            for (int a = 2; a >= 0; --a) {
                const std::vector<int64_t>& phases = part.axes[a]->phases;
                o[a] = q[a] * layer_.axes[a].stride - shape.crop[a] +
                       phases[static_cast<size_t>(left % count_of(phases))];
                left /= count_of(phases);
                inside = inside && o[a] >= 0 && o[a] < out[a];
            }
            if (!inside) continue;
            const int64_t at = (o[0] * out[1] + o[1]) * out[2] + o[2];
            const int64_t beyond = out[0] * out[1] * out[2];
            T* const to = last ? y + (image * beyond + at) * layer_.out_channels + group * out_
                               : y + (image * layer_.out_channels + group * out_) * beyond + at;
            for (int64_t c = 0; c < out_; c += definition_vectors * lanes) {
                T sums[definition_vectors * lanes];
                add_up(group, part, phase, taps, cells.data(), c, sums);
                const int64_t some = min(definition_vectors * lanes, out_ - c);
                for (int64_t j = 0; j < some; ++j)
                    to[(c + j) * (last ? 1 : beyond)] =
                        activated(layer_, sums[j] + bias_.data()[group * out_ + c + j]);
            }
        }
    }

    // Some output channels of one output, in chains of products, each of which is added to the sum.
    void add_up(int64_t group, const PhaseGroup& part, int64_t phase, const std::vector<int64_t>& taps,
                const T* cells, int64_t channel, T* to) const {
        constexpr int N = definition_vectors;
        V sum[N] = {};
        for (const int64_t tap : taps) {
            const int64_t k = this->kernel_of(part, phase, tap);
            const T* w = packed_.data() + (group * kernel_ + k) * in_ * wide_ + channel;
            for (int64_t c = 0; c < in_;) {
                V chain[N] = {};
                for (const int64_t end = min(in_, c + kc); c < end; ++c, w += wide_) {
                    const V v = broadcast<T>(*cells++);
                    for (int n = 0; n < N; ++n) chain[n] += v * load<T>(w + n * lanes);
                }
                for (int n = 0; n < N; ++n) sum[n] += chain[n];
            }
        }
        for (int n = 0; n < N; ++n) store<T>(to + n * lanes, sum[n]);
    }

    int64_t wide_, kernel_;  // output channels in whole vectors, elements of the kernel
    Buffer<T> packed_;
};

template <class T>
std::unique_ptr<Definition<T>> make_definition(const Layer& layer, const T* weight, const T* bias) {
    return std::make_unique<PackedDefinition<T>>(layer, weight, bias);
}

template std::unique_ptr<Definition<float>> make_definition(const Layer&, const float*, const float*);
template std::unique_ptr<Definition<double>> make_definition(const Layer&, const double*,
                                                             const double*);

}  // namespace tconv::TCONV_TARGET
