"""Born-again networks: Furlanello et al. 2018, "Born-Again Neural Networks"."""

from __future__ import annotations

from functools import cached_property

from tinykd.distill.keras_files import load_keras
from tinykd.distill.lessons import LabelLessons
from tinykd.distill.objective import Objective
from tinykd.distill.schemes.ensemble import ensemble
from tinykd.distill.schemes.scheme import Scheme
from tinykd.distill.stages import Values, dump
from tinykd.distill.teaching import Teaching
from tinykd.run import file_hash


class BornAgain(Scheme):
    """Stage `teacher` trains every generation but the last and leaves their ensemble; stage `student` trains the last."""

    def teacher(self) -> Values:
        """`generations/NUMBER.keras`, each a stage of its own, and their ensemble `teacher.keras`."""
        values = [self._first()]
        for number in range(1, self.section.generations):
            values.append(self.taught(f"generations/{number}", self.recipe.student, self._generation(number - 1), f"generation {number}"))
        names = [f"generations/{number}.keras" for number in range(self.section.generations)]
        key = self.stages.key("teacher", members=[file_hash(self.run.path(name)) for name in names])

        def compute() -> Values:
            model = ensemble([load_keras(self.run.path(name)) for name in names])
            self.stages.save(model, "teacher")
            total = sum(each["training_seconds"] for each in values)
            return {**values[-1], "parameters": int(model.count_params()), "training_seconds": round(total, 1)}

        return self.stages.once_trained("teacher", key, compute)

    @cached_property
    def tutor(self) -> Teaching:
        """The generation before the student's."""
        return self._generation(self.section.generations - 1)

    def _first(self) -> Values:
        net, section = self.recipe.student, self.recipe.distill
        key = self.stages.key("generations/0", net=net.net, knobs=net.knobs, train=dump(section.train), views=section.views)

        def compute() -> Values:
            model = self.stages.built("generation 0", net)
            objective = Objective(1.0, section.train.label_smoothing)
            return self.stages.trained("generations/0", key, model, section.train, objective, LabelLessons(self.teaching.views()))

        return self.stages.once_trained("generations/0", key, compute)

    def _generation(self, number: int) -> Teaching:
        return self.taught_by(f"generations/{number}.keras")
