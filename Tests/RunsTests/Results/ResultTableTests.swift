import Basics
import EvalKit
import Testing

@testable import Plans
@testable import Results
@testable import Runs

struct ResultTableTests {
    /// Writes results and the table of the folder.
    private func table(_ folder: TemporaryFolder, releases: [String], partials: [String]) throws
        -> String
    {
        let writer = try sumsWriter(sumsPlan(folder, releases: releases))
        let items = releases.indices.map {
            ResultItem(evaluation: 0, cohort: 0, subject: SubjectIndex($0))
        }
        var table = ResultTable(folder: folder.path, files: items.map { writer.file(of: $0) })
        for (item, partial) in zip(items, partials) {
            table.set(writer.file(of: item), try writer.write(item, [partial]).1)
        }
        _ = try table.write()
        return try text(folder)
    }

    private func text(_ folder: TemporaryFolder) throws -> String {
        String(decoding: try readFile("\(folder.path)/results.csv"), as: UTF8.self)
    }

    /// The releases of all lines, each once.
    private func releases(_ text: String) -> [String] {
        var names = text.split(separator: "\n").dropFirst().map {
            String($0.split(separator: ",")[1])
        }
        for index in names.indices.dropFirst().reversed() where names[index] == names[index - 1] {
            names.remove(at: index)
        }
        return names
    }

    @Test("The table has one line for each number, and without results there is none")
    func lines() throws {
        let folder = try TemporaryFolder()
        var empty = ResultTable(folder: folder.path, files: [])
        _ = try empty.write()
        #expect(!fileExists("\(folder.path)/results.csv"))
        #expect(
            try table(folder, releases: ["tiny/res"], partials: ["5"]) == """
                eval,release,sae_id,hook,layer,category,metric,value
                sums,tiny/res,blocks.0/a,blocks.0.hook_resid_post,0,all,sum,5.0
                sums,tiny/res,blocks.0/a,blocks.0.hook_resid_post,0,saeval,"twice, or so",10.0

                """)
    }

    @Test("A quote inside a field of the table stands twice")
    func quotes() throws {
        let folder = try TemporaryFolder()
        let text = try table(folder, releases: ["the \"best\" of all"], partials: ["5"])
        #expect(text.contains(#"sums,"the ""best"" of all",blocks.0/a,"#), "\(text)")
    }

    @Test("An incomplete score has an empty value, beside what is missing and the partial mean")
    func incomplete() throws {
        let folder = try TemporaryFolder()
        #expect(
            try table(folder, releases: ["r"], partials: ["-1"]).split(separator: "\n").dropFirst()
                .map { $0.dropFirst("sums,r,blocks.0/a,blocks.0.hook_resid_post,0,".count) } == [
                    "all,sum,", "incomplete,sum_partial_mean,-1.0",
                    "incomplete,\"twice, or so_partial_mean\",-2.0", "missing,the rest,",
                ])
    }

    @Test("Lines of files of an earlier run stay, and lines without a file go")
    func earlier() throws {
        let folder = try TemporaryFolder()
        let first = try table(folder, releases: ["a", "b", "c"], partials: ["1", "2", "3"])
        #expect(releases(first) == ["a", "b", "c"])
        // The plan's come first; others do not say their hook again, and these had none.
        let second = try table(folder, releases: ["c"], partials: ["4"])
        #expect(releases(second) == ["c", "a", "b"])
        #expect(second.contains("sums,a,blocks.0/a,,,all,sum,1.0\n"))
        #expect(second.contains(",all,sum,4.0\n") && !second.contains(",all,sum,3.0\n"))
        removeFile("\(folder.path)/eval_results/sums/a_blocks.0_a_eval_results.json")
        #expect(releases(try table(folder, releases: ["c"], partials: ["4"])) == ["c", "b"])
        var told = ResultTable(
            folder: folder.path, files: [],
            hooks: ["sums/b_blocks.0_a_eval_results.json": ("hook_embed", 0)])
        _ = try told.write()
        #expect(try text(folder).contains("sums,b,blocks.0/a,hook_embed,0,all,sum,2.0\n"))
    }

    @Test("A file that is not a result is told once and left out")
    func foreign() throws {
        let folder = try TemporaryFolder()
        _ = try table(folder, releases: ["a"], partials: ["1"])
        _ = try folder.write("{", to: "eval_results/sums/x_eval_results.json")
        _ = try folder.write("[1]", to: "eval_results/sums/y_eval_results.json")
        _ = try folder.write("mine", to: "eval_results/sums/notes.txt")
        var table = ResultTable(folder: folder.path, files: [])
        let notes = try table.write()
        #expect(notes.count == 2 && notes[0].contains("x_eval_results.json is not a result"))
        #expect(try table.write().isEmpty)
        #expect(releases(try text(folder)) == ["a"])
    }

    @Test("The hook of a file without a record is the one of its configuration")
    func hook() throws {
        let result = { (configuration: JSON) in
            JSON.object([
                "eval_type_id": .string("e"), "sae_lens_release_id": .string("r"),
                "sae_lens_id": .string("i"), "sae_cfg_dict": configuration,
                "eval_result_metrics": .object(["c": .object(["m": .integer(2)])]),
            ])
        }
        let name = JSON.object(["hook_name": .string("blocks.7.hook_mlp_out")])
        for configuration in [name, .object(["metadata": name])] {
            let file = try #require(ResultFile(result(configuration)))
            #expect(
                ResultRows(file).text
                    == "e,r,i,blocks.7.hook_mlp_out,7,c,m,2.0\n")
        }
        let file = try #require(ResultFile(result(.null)))
        #expect(ResultRows(file).text == "e,r,i,,,c,m,2.0\n")
    }
}
