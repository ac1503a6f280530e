import CFuzzDriver
import Foundation

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(
    LLVMFuzzerRunDriver(&count, &arguments) { start, count in
        Harness.chosen.run(Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    })
