#include "algorithms/winograd/channels.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> winograd_channels_algorithm() {
    return combining_algorithm<T, WinogradChannels<T>>("winograd_channels");
}

template Algorithm<float> winograd_channels_algorithm();
template Algorithm<double> winograd_channels_algorithm();

}  // namespace tconv::TCONV_TARGET
