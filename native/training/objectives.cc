#include "training/objectives.h"

#include "training/losses/losses.h"

namespace stillvec::training {
namespace {

struct Kind {
  const char* name;
  MakeObjective* make;
};

constexpr Kind kKinds[] = {
    {"batch_all_triplet", make_batch_all_triplet_loss},
    {"batch_hard_soft_margin_triplet", make_batch_hard_soft_margin_triplet_loss},
    {"batch_hard_triplet", make_batch_hard_triplet_loss},
    {"batch_semi_hard_triplet", make_batch_semi_hard_triplet_loss},
    {"contrastive", make_contrastive_loss},
    {"cosent", make_cosent_loss},
    {"cosine_similarity", make_cosine_similarity_loss},
    {"distill_kl_div", make_distill_kl_div_loss},
    {"embed_distill", make_embed_distill_loss},
    {"gist_embed", make_gist_embed_loss},
    {"global_orthogonal_regularization", make_global_orthogonal_regularization_loss},
    {"margin_mse", make_margin_mse_loss},
    {"mega_batch_margin", make_mega_batch_margin_loss},
    {"multiple_negatives_ranking", make_multiple_negatives_ranking_loss},
    {"online_contrastive", make_online_contrastive_loss},
    {"triplet", make_triplet_loss},
};

}  // namespace

Result<std::unique_ptr<Objective>> make_objective(const Settings& settings, const ObjectiveContext& context) {
  for (const Kind& kind : kKinds) {
    if (kind.name == settings.kind) return kind.make(settings, context);
  }
  return Status{Code::kInvalidArgument, "there is no loss " + settings.kind};
}

}  // namespace stillvec::training
