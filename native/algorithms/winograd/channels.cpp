#include "algorithms/winograd/channels.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> winograd_channels_algorithm() {
    return combining_algorithm<T, winograd::channel_lanes::WinogradChannelsRecipe<T>>(
        "winograd_channels");
}

template Algorithm<float> winograd_channels_algorithm();
template Algorithm<double> winograd_channels_algorithm();

}  // namespace tconv::TCONV_TARGET
