#pragma once

#include <memory>

#include "training/objective.h"
#include "training/settings.h"

namespace stillvec::training {

// The objective of settings.kind. kInvalidArgument names a kind or a setting that there is not.
Result<std::unique_ptr<Objective>> make_objective(const Settings& settings, const ObjectiveContext& context);

}  // namespace stillvec::training
