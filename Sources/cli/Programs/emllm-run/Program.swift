import RunTool

@main
enum Program {
    static func main() async { await EMLLMRun.runProgram() }
}
