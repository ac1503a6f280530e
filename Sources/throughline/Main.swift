import ArgumentParser
import AsyncHTTPClient
import Hummingbird
@main struct Throughline: ParsableCommand { func run() {} }
