from pytest_resilience import CheckpointManager


def score_all(stays, score, folder="./checkpoints"):
    """Score stays one after another; a run that was killed is gone on with."""
    checkpoints = CheckpointManager(folder)
    state = checkpoints.load_checkpoint("score-stays") or {"done": 0, "scores": []}
    for stay in stays[state["done"] :]:
        state = {"done": state["done"] + 1, "scores": [*state["scores"], score(stay)]}
        checkpoints.save_checkpoint("score-stays", state)
    checkpoints.delete_checkpoint("score-stays")
    return state["scores"]
