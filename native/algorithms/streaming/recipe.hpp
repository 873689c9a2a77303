// What streaming knows of a layer: how many phases and rows it computes at once, and what a call
// costs.
#pragma once

#include <numeric>

#include "algorithms/streaming/kernel.hpp"
#include "heuristics/costs.hpp"
#include "heuristics/streaming.hpp"
#include "registry.hpp"

namespace tconv::TCONV_TARGET::streaming {

template <class T>
class StreamingRecipe final : public Recipe<T> {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    static const char* unsupported_reason(const Layer& layer) {
        if (layer.layout != Layout::channels_first)
            return "its lanes lie along positions, channels first";
        if (taps_of(layer) > kc) return "a phase has too many taps in a row of the kernel";
        if (arranged_bytes(layer) > max_arranged_bytes)
            return "the weights of one output channel are too many";
        return nullptr;
    }

    explicit StreamingRecipe(const Layer& given)
        : layer(given),
          epilogue(given),
          in(given.in_channels / given.groups),
          out(given.out_channels / given.groups),
          taps(taps_of(given)),
          phases(static_cast<int>(min(given.axes[2].stride, max_phases))) {
        if (phases == 5 || phases == 7) ++phases;
    }

    // Products over whole vectors of positions; cells loaded for each of them, but for rows computed
    // at once; vectors stored by pieces where a row's phases are not as many as they.
    Cost estimate(const Shape& shape, int) const override {
        Cost c;
        const auto number = [](int64_t v) { return static_cast<double>(v); };
        const Axis* axes = layer.axes;
        const double groups = number(layer.groups * shape.batch);
        const double rows = groups * number(out * shape.output[0] * shape.output[1]);
        const double vectors = number(ceil_div(ceil_div(shape.output[2], axes[2].stride), lanes));
        const double input_rows = number(axes[0].kernel * axes[1].kernel * in) /
                                  number(axes[0].stride * axes[1].stride);
        c.products = rows * vectors * input_rows * number(axes[2].kernel);
        c.others = load_cost * c.products / rows_beside(shape) + channel_cost * groups * number(in);
        if (axes[2].stride != phases)
            c.others += scattered_cost * rows * vectors * number(axes[2].stride);
        if (in * out > max_channels) c.products *= 2;
        c.bytes = bytes_moved<T>(layer, shape);
        c.tasks = static_cast<int64_t>((c.products + c.others) / task_work) + 1;
        return c;
    }

    std::unique_ptr<Packed<T>> pack(const T* weight, const T* bias) const override;

    // How many of some rows are computed at once.
    int64_t rows_at_once(int64_t rows) const {
        rows = min(rows, max_rows);
        while (!fits(phases, static_cast<int>(rows))) --rows;
        return rows;
    }

    Layer layer;
    Epilogue<T> epilogue;
    int64_t in, out;  // channels of a group
    int64_t taps;     // the most that a phase has in a row of the kernel
    int phases;       // computed at once

  private:
    static int64_t taps_of(const Layer& layer) {
        const Axis& axis = layer.axes[2];
        return ceil_div(axis.kernel, axis.stride / std::gcd(axis.stride, axis.dilation));
    }

    static double arranged_bytes(const Layer& layer) {
        const Axis* axes = layer.axes;
        return static_cast<double>(layer.in_channels / layer.groups * axes[0].kernel *
                                   axes[1].kernel * axes[2].kernel) * max_rows * sizeof(T);
    }

    // How many rows use a cell that is loaded, in the mean.
    double rows_beside(const Shape& shape) const {
        const Axis& axis = layer.axes[1];
        const bool by_channel = shape.output[1] == 1;
        const int64_t rows =
            rows_at_once(by_channel ? out : axis.stride == 1 ? max_rows : axis.stride);
        if (by_channel || axis.stride > 1) return static_cast<double>(rows);
        const double whole = static_cast<double>(max(0, axis.kernel - rows + 1));
        return 1 + static_cast<double>(rows - 1) * whole / static_cast<double>(axis.kernel);
    }
};

}  // namespace tconv::TCONV_TARGET::streaming
