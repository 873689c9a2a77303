#include "algorithms/channels/channels.hpp"

namespace tconv::TCONV_TARGET {

template <class T>
Algorithm<T> channels_algorithm() {
    using R = channels::ChannelsRecipe<T>;
    return {"channels", false, R::unsupported_reason, make_recipe<T, R>};
}

template Algorithm<float> channels_algorithm();
template Algorithm<double> channels_algorithm();

}  // namespace tconv::TCONV_TARGET
