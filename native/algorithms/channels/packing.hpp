// Weights and biases as the N-blocks read them.
#pragma once

#include "algorithms/channels/layout.hpp"

namespace tconv::TCONV_TARGET::channels {

template <class T>
class PackedColumns {
    static constexpr int64_t lanes = Lanes<T>::count;

  public:
    PackedColumns(const ColumnLayout<T>& layout, const T* weight, const T* bias)
        : layout_(layout),
          packed_(layout.layer.groups * layout.weights + 1),
          starts_(layout.layer.groups * layout.biases),
          biases_(bias_or_zeros(layout.layer, bias)) {
        for (int64_t g = 0; g < layout.layer.groups; ++g)
            for (const ChannelBlock& some : layout.channel_blocks)
                for (int64_t i = 0; i < some.blocks; ++i)
                    pack(layout.blocks[some.first_block + i], g, some.first, weight);
    }

    const T* weights(int64_t group, const NBlock& block) const {
        return packed_.data() + group * layout_.weights + block.weights;
    }
    // What the sums of a block start from.
    const T* starts(int64_t group, const NBlock& block) const {
        return starts_.data() + group * layout_.biases + block.biases;
    }
    // Of each output channel.
    const T* biases() const { return biases_.data(); }

  private:
    // Of each tap [channel][width], or with dots [channels][width][lanes].
    void pack(const NBlock& block, int64_t group, int64_t channel, const T* weight) {
        const Layer& layer = layout_.layer;
        const int64_t kernel = layer.axes[0].kernel * layer.axes[1].kernel * layer.axes[2].kernel;
        const int64_t in_step = layout_.out * kernel;
        weight += group * layout_.in * in_step;
        pack_starts(block, biases() + group * layout_.out + channel,
                    starts_.data() + group * layout_.biases + block.biases);
        T* to = packed_.data() + group * layout_.weights + block.weights;
        int64_t from[indirect::max_nr * lanes], tap[3];
        for (tap[0] = 0; tap[0] < count_of(block.axes[0]->offsets); ++tap[0])
            for (tap[1] = 0; tap[1] < count_of(block.axes[1]->offsets); ++tap[1])
                for (tap[2] = 0; tap[2] < count_of(block.axes[2]->offsets); ++tap[2]) {
                    for (int64_t j = 0; j < block.count; ++j) {
                        const int64_t column = block.first + j;
                        from[j] = (channel + column % block.channels) * kernel +
                                  block.element(layer, column, tap);
                    }
                    pack_tap(block, weight, in_step, from, to);
                    to += block.tap_weights;
                }
    }

    static void pack_starts(const NBlock& block, const T* bias, T* to) {
        for (int64_t j = 0; j < block.starts; ++j) {
            const int64_t column = block.dots ? j % block.count : j;
            const int64_t channel = (block.first + column) % block.channels;
            to[j] = column < block.count ? bias[channel] : T(0);
        }
    }

    void pack_tap(const NBlock& block, const T* weight, int64_t in_step, const int64_t* from,
                  T* to) const {
        const int64_t width = block.width, in = layout_.in;
        if (block.dots) {
            for (int64_t c = 0; c < ceil_div(in, lanes) * lanes; ++c)
                for (int64_t j = 0; j < width; ++j)
                    to[(c / lanes * width + j) * lanes + c % lanes] =
                        c < in ? weight[c * in_step + from[j]] : T(0);
            return;
        }
        for (int64_t c = 0; c < in; ++c, to += width) {
            for (int64_t j = 0; j < block.count; ++j) to[j] = weight[c * in_step + from[j]];
            for (int64_t j = block.count; j < width; ++j) to[j] = T(0);
        }
    }

    const ColumnLayout<T>& layout_;
    Buffer<T> packed_, starts_, biases_;
};

}  // namespace tconv::TCONV_TARGET::channels
