import groovy.json.JsonSlurper
import org.gradle.api.DefaultTask
import org.gradle.api.GradleException
import org.gradle.api.file.FileCollection
import org.gradle.api.tasks.Input
import org.gradle.api.tasks.InputFile
import org.gradle.api.tasks.InputFiles
import org.gradle.api.tasks.Internal
import org.gradle.api.tasks.Optional
import org.gradle.api.tasks.OutputDirectory
import org.gradle.api.tasks.PathSensitive
import org.gradle.api.tasks.PathSensitivity
import org.gradle.api.tasks.TaskAction

/**
 * Builds a model for a device with edgekit and puts `model.tflite` and `labels.txt` into a folder of assets.
 *
 * A model that does not fit the device fails the task and leaves the assets as they were. It uses only what Gradle has
 * had since 4.4: plain properties, and a process of Java's own in place of `project.exec`, which Gradle 9 dropped.
 */
class EdgekitAssets extends DefaultTask {
    /** The command, as a path where edgekit is in an environment of its own. */
    @Internal String command = 'edgekit'

    /** The folder of edgekit.toml. */
    @Internal File projectFolder

    /** What the model is made of: a change in one of these files makes it again. */
    @InputFiles @PathSensitive(PathSensitivity.RELATIVE) FileCollection sources

    /** An id of `edgekit devices`, or the path of a profile, which then belongs to `sources` too. */
    @Input String device

    /** More options of `edgekit build`. */
    @Input List<String> options = []

    /** Class names, where the project's data has none: an .npz has none, a folder of images has. */
    @Optional @InputFile @PathSensitive(PathSensitivity.NONE) File labels

    /** Where edgekit writes all that a build gives, report.json among it. */
    @OutputDirectory File work

    /** What goes into the app. */
    @OutputDirectory File assets

    /** Another version of edgekit may make another model. */
    @Input
    String getEdgekitVersion() {
        def (code, out, err) = run([command, '--version'])
        if (code != 0) throw new GradleException("${command} --version ended with ${code}\n${err}")
        out.trim()
    }

    private List<String> arguments() {
        ['build', '--project', projectFolder.path, '--device', device, '--out', work.path, '--json', '--quiet'] + options
    }

    @TaskAction
    void build() {
        def (code, out, err) = run([command] + arguments())
        if (code > 1 || !out) throw new GradleException("edgekit build ended with ${code}\n${err}")
        def report = new JsonSlurper().parseText(out)
        if (code == 1) throw new GradleException("the model does not fit ${device}: ${report.summary}\n${failed(report)}")
        def made = new File(work, report.device as String)
        put('model.tflite', new File(made, 'model.tflite'))
        put('labels.txt', [new File(made, 'labels.txt'), labels].find { it?.file })
        logger.lifecycle("${report.device}: ${report.summary}")
    }

    private static String failed(report) {
        def bad = report.checks.findAll { it.outcome in ['fail', 'unknown'] }
        bad.collect { "  ${it.name}: ${it.reason}" }.join('\n')
    }

    private void put(String name, File from) {
        def target = new File(assets, name)
        if (from == null) target.delete() else target.bytes = from.bytes
    }

    /** The exit code and what the process printed; a build that Gradle stops takes edgekit with it. */
    private static List run(List<String> line) {
        def out = new StringBuilder(), err = new StringBuilder(), process
        try {
            process = new ProcessBuilder(line).start()
        } catch (IOException problem) {
            throw new GradleException("${problem.message}\n" +
                'install it (pip install "edgekit-tflite[build]") or name it: -PedgekitCommand=/path/to/edgekit')
        }
        try {
            process.waitForProcessOutput(out, err)
        } finally {
            process.destroy()
        }
        [process.exitValue(), out.toString(), err.toString()]
    }
}
