#include "training/objectives.h"

#include "training/ranking_objective.h"

namespace stillvec::training {
namespace {

struct Kind {
  const char* name;
  Result<std::unique_ptr<Objective>> (*make)(const Settings& settings, const ObjectiveContext& context);
};

constexpr Kind kKinds[] = {
    {"multiple_negatives_ranking", make_ranking_objective},
};

}  // namespace

Result<std::unique_ptr<Objective>> make_objective(const Settings& settings, const ObjectiveContext& context) {
  for (const Kind& kind : kKinds) {
    if (kind.name == settings.kind) return kind.make(settings, context);
  }
  return Status{Code::kInvalidArgument, "there is no loss " + settings.kind};
}

}  // namespace stillvec::training
