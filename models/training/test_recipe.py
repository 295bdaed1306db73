"""The course of a training, which needs no PyTorch. Run by `python3 -m unittest training.test_recipe` in this folder."""
from __future__ import annotations

import unittest
from dataclasses import replace
from pathlib import Path

from training.recipe import POLISH_SHARE, RECIPES, WARM_UP


class Course(unittest.TestCase):
    def test_rates_rise_rest_and_fall_to_nothing(self) -> None:
        for recipe in RECIPES.values():
            rates = [recipe.share_of_rate(step) for step in range(recipe.steps)]
            ends = [recipe.first, *(recipe.first + cycle * recipe.polish for cycle in range(1, recipe.cycles + 1))]
            self.assertEqual(max(rates[:recipe.first]), 1.0)
            for begin, end in zip([0, *ends], ends):
                course, peak = rates[begin:end], max(rates[begin:end])
                self.assertTrue(0 < course[0] <= 1.2 * peak / WARM_UP)
                self.assertTrue(0 < course[-1] < 0.001)
                top = course.index(peak)
                self.assertEqual(course[:top + 1], sorted(course[:top + 1]))
                self.assertEqual(course[top:], sorted(course[top:], reverse=True))
                if begin:
                    self.assertTrue(0.9 * POLISH_SHARE < peak <= POLISH_SHARE)

    def test_every_step_has_a_stage(self) -> None:
        recipe = RECIPES["cpu"]
        stages = [recipe.stage(step) for step in range(recipe.steps)]
        self.assertEqual([stages.count(name) for name in ("see", "speak", "polish")],
                         [recipe.see, recipe.speak, recipe.cycles * recipe.polish])
        self.assertEqual(stages, sorted(stages, key=("see", "speak", "polish").index))

    def test_a_checkpoint_of_another_recipe_is_refused(self) -> None:
        recipe, path = RECIPES["cpu"], Path("work/checkpoint.pt")
        recipe.continues(replace(recipe, cycles=5).stored(), path)
        with self.assertRaisesRegex(SystemExit, "work/checkpoint.pt was made with --seed 7 --polish 10: continue it with that"):
            recipe.continues(replace(recipe, polish=10, seed=7).stored(), path)


if __name__ == "__main__":
    unittest.main()
