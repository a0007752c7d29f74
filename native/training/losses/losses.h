#pragma once

#include <memory>

#include "training/objective.h"
#include "training/settings.h"

namespace stillvec::training {

// One a file of this folder: makes the loss of that name. kInvalidArgument names a setting that can not be.
using MakeObjective = Result<std::unique_ptr<Objective>>(const Settings& settings, const ObjectiveContext& context);

MakeObjective make_batch_all_triplet_loss;
MakeObjective make_batch_hard_soft_margin_triplet_loss;
MakeObjective make_batch_hard_triplet_loss;
MakeObjective make_batch_semi_hard_triplet_loss;
MakeObjective make_contrastive_loss;
MakeObjective make_cosent_loss;
MakeObjective make_cosine_similarity_loss;
MakeObjective make_distill_kl_div_loss;
MakeObjective make_embed_distill_loss;
MakeObjective make_gist_embed_loss;
MakeObjective make_global_orthogonal_regularization_loss;
MakeObjective make_margin_mse_loss;
MakeObjective make_mega_batch_margin_loss;
MakeObjective make_multiple_negatives_ranking_loss;
MakeObjective make_online_contrastive_loss;
MakeObjective make_triplet_loss;

}  // namespace stillvec::training
