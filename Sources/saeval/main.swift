print("saeval")
