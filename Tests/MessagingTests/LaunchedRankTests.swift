import Messaging
import Testing

struct LaunchedRankTests {
    @Test(
        "The rank that a launcher gave is read from the environment",
        arguments: [
            ([:], 0), (["OMPI_COMM_WORLD_RANK": "3"], 3), (["PMIX_RANK": "1"], 1),
            (["SLURM_PROCID": "2", "OMPI_COMM_WORLD_RANK": "0"], 0), (["PMI_RANK": "x"], 0),
        ])
    func rank(variables: [String: String], rank: Int) {
        #expect(launchedRank(environment: { variables[$0] }) == rank)
    }
}
