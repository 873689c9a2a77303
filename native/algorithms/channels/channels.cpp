#include "algorithms/channels/channels.hpp"

#include "registry.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> channels_algorithm() {
    return {"channels", false, Channels<T>::refusal, make_recipe<T, Adapted<T, Channels<T>>>};
}

template Algorithm<float> channels_algorithm();
template Algorithm<double> channels_algorithm();

}  // namespace tconv::TCONV_TARGET
